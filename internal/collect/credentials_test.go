// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// takesAll is a connector that refuses nothing.
var takesAll = collect.Connector{Name: "file", New: func(json.RawMessage) (collect.Source, error) { return nil, nil }}

// The configuration of a source is read by many and kept for ever: a credential is refused by name, and not repeated.
func TestAConfigurationHoldsNoCredential(t *testing.T) {
	h := testkit.SQLite(t, func(s *op.Set) { collect.Add(s, []collect.Connector{takesAll}) })
	create := func(config string) error {
		_, err := op.Do[map[string]any](t.Context(), h.Gate, testkit.As(op.Manager), "source.create", map[string]any{"name": "One", "connector": "file", "config": json.RawMessage(config)}, time.Time{})
		return err
	}
	const hushed = "not-a-real-one"
	for config, field := range map[string]string{
		`{"token":"` + hushed + `"}`:                                                  "config.token",
		`{"auth":{"token":"` + hushed + `"}}`:                                         "config.auth.token",
		`{"api_key":"` + hushed + `"}`:                                                "config.api_key",
		`{"clientSecret":"` + hushed + `"}`:                                           "config.clientSecret",
		`{"db-password":"` + hushed + `"}`:                                            "config.db-password",
		`{"url":"https://jo:` + hushed + `@example.com/x"}`:                           "config.url",
		`{"url":"https://` + hushed + `@example.com/x"}`:                              "config.url",
		`{"url":"https://example.com/x?page=1&access_token=` + hushed + `"}`:          "config.url",
		`{"endpoints":["example.com:443","https://jo:` + hushed + `@a.example.com"]}`: "config.endpoints[1]",
		`{"deep":{"path":"ssh://git:` + hushed + `@example.com/x"}}`:                  "config.deep.path",
	} {
		err := create(config)
		if e := errs.Public(err); e.Code != errs.Invalid || e.Field != field || e.Fix == "" || strings.Contains(e.Error()+e.Fix, hushed) {
			t.Errorf("%s: %v (field %q)", config, err, e.Field)
		}
	}
	for _, config := range []string{`{"path":"people.csv","kind":"person","columns":{"token":"Token no."}}`, `{"path":"ssh://git@example.com/x.git"}`, `{"url":"https://example.com/x?page=1"}`, `{"password_age":"90"}`, `{"secret":false}`, `{}`} {
		if err := create(config); err != nil {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// What a connector would refuse at every run is refused when the source is connected or changed, at its field. A source
// that stands there already can still be renamed and switched off.
func TestAConfigurationThatItsConnectorRefusesIsRefusedAtOnce(t *testing.T) {
	picky := collect.Connector{Name: "picky", New: func(raw json.RawMessage) (collect.Source, error) {
		var c struct{ Path string }
		if err := json.Unmarshal(raw, &c); err != nil || c.Path == "" {
			return nil, errs.At("path", "is missing").Mend("give the file")
		}
		return nil, nil
	}}
	h := testkit.SQLite(t, func(s *op.Set) { collect.Add(s, []collect.Connector{picky}) })
	call := func(name string, in map[string]any) (map[string]any, *errs.Error) {
		out, err := op.Do[map[string]any](t.Context(), h.Gate, testkit.As(op.Manager), name, in, time.Time{})
		if err != nil {
			return nil, errs.Public(err)
		}
		return out, nil
	}
	for _, x := range []struct{ connector, config, field string }{
		{"picky", `{}`, "config.path"}, {"picky", `{"path":""}`, "config.path"}, {"other", `{"path":"x"}`, "connector"},
	} {
		if _, e := call("source.create", map[string]any{"name": "One", "connector": x.connector, "config": json.RawMessage(x.config)}); e == nil || e.Code != errs.Invalid || e.Field != x.field || e.Fix == "" {
			t.Errorf("%s %s: %+v, want a fault at %s", x.connector, x.config, e, x.field)
		}
	}
	one, e := call("source.create", map[string]any{"name": "One", "connector": "picky", "config": map[string]any{"path": "x.csv"}})
	if e != nil {
		t.Fatal(e)
	}
	if _, e := call("source.update", map[string]any{"id": one["id"], "rev": 1, "config": map[string]any{}}); e == nil || e.Field != "config.path" {
		t.Errorf("changed: %+v", e)
	}
	var old *collect.SourceThing
	if _, err := h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error { // connected when its connector took it
		old = &collect.SourceThing{Name: "Old", Connector: "gone", IntervalHours: 24, State: "enabled"}
		return store.Put(t.Context(), tx, collect.Sources, old)
	}); err != nil {
		t.Fatal(err)
	}
	if _, e := call("source.update", map[string]any{"id": old.ID, "rev": 1, "name": "Older"}); e != nil {
		t.Error(e)
	}
	if _, e := call("source.disable", map[string]any{"id": old.ID, "rev": 2}); e != nil {
		t.Error(e)
	}
}
