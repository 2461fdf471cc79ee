// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"os"
	"strings"
	"testing"

	"assay/internal/testkit"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestTheDocumentIsValidOpenAPI(t *testing.T) {
	s := handler(testkit.SQLite(t, add))
	got := ask(t, s, "GET", "/openapi.json", "")
	if got.status != 200 {
		t.Fatal(got.status)
	}
	if again := ask(t, s, "GET", "/openapi.json", "", "If-None-Match", got.header.Get("ETag")); again.status != 304 {
		t.Errorf("its own ETag: %d", again.status)
	}
	f, err := os.Open("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spec, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://example.com/openapi", spec); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("https://example.com/openapi").Validate(doc); err != nil {
		t.Errorf("%v", err)
	}
}
