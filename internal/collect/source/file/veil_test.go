// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/collect"
	"assay/internal/collect/source/file"
)

// What an error says of a file on the server is rows, columns and rules: the path can be that of any file.
func TestAnErrorQuotesNothingOfAFileOnTheServer(t *testing.T) {
	texts := map[string]string{
		"one line":  "TOKEN=hush\x00HOME=/root",
		"heading":   "hush;other\n1;2\n",
		"a value":   "id,on\nhush,hush\n",
		"a date":    "id,at\n1,hush\n",
		"both ways": "id,at\n1,13/1/2026\n2,1/13/2026\nhush,hush\n",
		"twice":     "id\nhush\nhush\n",
		"a sum":     "id\nTotal hush\nhush\nhush\n",
		"words":     "id,on\n1,#hush\n2,'hush\n",
	}
	for what, text := range texts {
		for name, named := range map[string]bool{"environ": false, "export.csv": true} {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, columns := range []string{`{}`, `{"missing":"text"}`} {
				said := toldOf(t, `{"path":"`+path+`","kind":"thing","format":"csv","columns":`+columns+`}`)
				heading, _, _ := strings.Cut(text, "\n")
				if said == "" || strings.Contains(said, "hush") && !(named && strings.Contains(heading, "hush")) {
					t.Errorf("%s in %s, columns %s: %q", what, name, columns, said)
				}
			}
		}
	}
}

// toldOf is all that a person is told of a source that cannot be read.
func toldOf(t *testing.T, config string) string {
	t.Helper()
	src, err := file.Connector(kinds).New(json.RawMessage(config))
	if err != nil {
		return err.Error()
	}
	m, err := src.Collect(t.Context(), func(collect.Page) error { return nil })
	out := strings.Join(m.Notes, " ")
	if err != nil {
		out += err.Error()
	}
	var f *collect.Faulty
	if errors.As(err, &f) {
		b, err := json.Marshal(f.Faults)
		if err != nil {
			t.Fatal(err)
		}
		out += string(b)
	}
	return out
}
