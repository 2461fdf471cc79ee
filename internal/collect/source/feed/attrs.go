// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/errs"
)

// Attrs gathers what is known of one resource, and why the rest is not. A value that is set
// replaces an earlier reason; nothing is ever known and unknown at once.
type Attrs struct {
	Known map[string]any
	Why   map[string]string
}

// NewAttrs starts with nothing known.
func NewAttrs() *Attrs { return &Attrs{Known: map[string]any{}, Why: map[string]string{}} }

// Set records a value: bool, int64, string or []string. Text is made valid UTF-8 first.
func (a *Attrs) Set(name string, v any) {
	switch x := v.(type) {
	case string:
		v = Text(x)
	case []string:
		list := make([]string, len(x))
		for i := range x {
			list[i] = Text(x[i])
		}
		v = list
	}
	a.Known[name] = v
	delete(a.Why, name)
}

// Time records a moment.
func (a *Attrs) Time(name string, t time.Time) { a.Set(name, clock.Format(t)) }

// Unknown records why a value could not be read, unless it is known or has a reason already.
func (a *Attrs) Unknown(reason string, names ...string) {
	for _, n := range names {
		_, known := a.Known[n]
		if _, told := a.Why[n]; !known && !told {
			a.Why[n] = Text(reason)
		}
	}
}

// Resource makes the resource that has these attributes.
func (a *Attrs) Resource(kind, key, name string) collect.Resource {
	r := collect.Resource{Kind: kind, Key: Text(key), Name: Text(name), Attrs: a.Known}
	if len(a.Why) > 0 {
		r.Why = a.Why
	}
	return r
}

// Text makes s valid UTF-8 without losing anything: a byte that is not part of a character is
// written as \xNN, so that two different names stay different. NUL is written the same way,
// because no database keeps it.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && n == 1) || r == 0 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// Config decodes the configuration of a source strictly: an unknown field or anything after the
// object is an error that names the field.
func Config(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return configError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.At("config", "there is something after the end of the configuration").
			Mend("give one JSON object")
	}
	return nil
}

func configError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := wrong.Field
		if field == "" {
			field = "config"
		}
		return errs.At(field, "must be %s, not %s", wrong.Type, wrong.Value).Because(err)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return errs.At(strings.Trim(name, `"`), "is not a field of this source").
			Mend("remove it, or check its spelling").Because(err)
	}
	return errs.At("config", "is not a JSON object").Because(err)
}
