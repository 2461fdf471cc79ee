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
	"assay/internal/testkit"
)

// The configuration of a source is read by many and kept for ever: a credential is refused by name, and not repeated.
func TestAConfigurationHoldsNoCredential(t *testing.T) {
	h := testkit.SQLite(t, func(s *op.Set) { collect.Add(s, nil) })
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
