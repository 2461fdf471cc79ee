// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const vectors = "../../docs/verifier/vectors/"

// example writes what verify is given: a checkpoint as a note and as the answer of ledger sign, and keys.
func example(t *testing.T) (dir string) {
	t.Helper()
	var v struct{ Key, Checkpoint string }
	b, err := os.ReadFile(vectors + "vectors.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	answer, e := json.Marshal(map[string]any{"size": 4, "note": v.Checkpoint})
	if err != nil || e != nil {
		t.Fatal(err, e)
	}
	dir = t.TempDir()
	for name, s := range map[string]string{"key": v.Key + "\n", "empty": "", "note": v.Checkpoint, "json": string(answer), "later": strings.Replace(v.Checkpoint, "\n4\n", "\n5\n", 1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The exit codes of verify are verdicts: whatever went wrong with the command itself must not look like one.
func TestTheExitCodeOfVerifyIsAVerdictOr1(t *testing.T) {
	dir := example(t)
	good := "verify --export " + vectors + "logs/00000.ndjson"
	for _, c := range []struct {
		args string
		want int
	}{
		{good, 0},
		{good + " --key DIR/key --checkpoint DIR/note --checkpoint DIR/json", 0},
		{good + " --key DIR/empty", 4},
		{good + " --checkpoint DIR/empty", 4},
		{good + " --checkpoint DIR/later", 4},
		{"verify --export DIR/empty", 3},
		{"verify --export DIR", notChecked},
		{"verify --export DIR/none", notChecked},
		{good + " --key DIR/none", notChecked},
		{good + " --checkpoint DIR/none", notChecked},
		{good + " --nothing", notChecked},
		{good + " more", notChecked},
	} {
		if got := run(t.Context(), strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))); got != c.want {
			t.Errorf("assay %s: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
