// SPDX-License-Identifier: Apache-2.0

package kind_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
	"github.com/goccy/go-yaml"
)

const hushed = "horse-battery-7411"

// Every way of printing, logging and encoding that the program has, over a secret wherever it may stand.
func printed(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%w", "%p", "%t"} {
		out[verb] = fmt.Sprintf(verb, v) + fmt.Sprintf(verb, []any{v}) + fmt.Sprintf(verb, map[string]any{"k": v})
	}
	out["Errorf"] = fmt.Errorf("it went wrong: %v", v).Error()
	out["errs"] = errs.At("field", "is %v", v).Because(fmt.Errorf("%+v", v)).Error()
	var b bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewJSONHandler(&b, nil)), slog.New(slog.NewTextHandler(&b, nil))} {
		l.Info("made", "thing", v, slog.Group("in", "side", v))
	}
	log.New(&b, "", 0).Println(v)
	out["logs"] = b.String()
	j, err := json.Marshal(v)
	out["JSON"] = string(j) + fmt.Sprint(err)
	x, err := xml.Marshal(v)
	out["XML"] = string(x) + fmt.Sprint(err)
	y, err := yaml.Marshal(v)
	out["YAML"] = string(y) + fmt.Sprint(err)
	var g bytes.Buffer
	err = gob.NewEncoder(&g).Encode(v)
	out["gob"] = g.String() + fmt.Sprint(err)
	return out
}

func holds(text, secret string) bool {
	b := []byte(secret)
	for _, form := range []string{secret, fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), base64.StdEncoding.EncodeToString(b), fmt.Sprint(b), fmt.Sprintf("%q", b)} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestASecretIsAMarkHoweverItIsPrinted(t *testing.T) {
	type open struct {
		Name string
		Pass kind.Secret
	}
	type closed struct { // a field that fmt reads past every method
		name string
		pass kind.Secret
	}
	for state, s := range map[string]kind.Secret{"in clear": kind.NewSecret(hushed), "sealed": kind.SealedSecret(hushed)} {
		for where, v := range map[string]any{"alone": s, "pointer": &s, "struct": open{"Jo", s}, "pointer to struct": &open{"Jo", s}, "unexported": closed{"Jo", s},
			"pointer to unexported": &closed{"Jo", s}, "list": []kind.Secret{s}, "map": map[string]kind.Secret{"a": s}, "deep": []any{map[string]any{"x": &open{"Jo", s}}}} {
			for way, text := range printed(v) {
				if holds(text, hushed) {
					t.Errorf("%s, %s, by %s: %s", state, where, way, text)
				}
			}
		}
	}
	if got := fmt.Sprintf("%s %v", kind.NewSecret(hushed), open{"Jo", kind.NewSecret(hushed)}); got != "[secret] {Jo [secret]}" {
		t.Errorf("printed as %s", got)
	}
	// The control: of a plain text every way but the encoders of closed fields finds it.
	found := 0
	for _, text := range printed(struct{ Pass string }{hushed}) {
		if holds(text, hushed) {
			found++
		}
	}
	if found < 10 {
		t.Errorf("a plain text was found %d times: the search proves nothing", found)
	}
}

func TestASecretIsReadFromATextOrAsItIsStored(t *testing.T) {
	for in, want := range map[string]string{`"abc"`: "abc|", `""`: "|", `null`: "|", `{"sealed":"k.v"}`: "|k.v", ` "a" `: "a|"} {
		var s kind.Secret
		if err := json.Unmarshal([]byte(in), &s); err != nil || s.Clear()+"|"+s.Sealed() != want || s.IsZero() != (want == "|") {
			t.Errorf("%s: %v, %q %q", in, err, s.Clear(), s.Sealed())
		}
		if err := kind.GivenSecret(json.RawMessage(in)); (err != nil) != strings.Contains(in, "{") {
			t.Errorf("%s from a face: %v", in, err)
		}
	}
	for _, in := range []string{`12`, `true`, `[]`, `["abc"]`, `{}`, `{"sealed":""}`, `{"sealed":1}`, `{"sealed":"k.v","x":"y"}`, `{"other":"abc"}`} {
		s := kind.NewSecret(hushed)
		err := json.Unmarshal([]byte(in), &s)
		var wrong *json.UnmarshalTypeError
		if !errors.As(err, &wrong) || strings.Contains(err.Error(), "abc") || !s.IsZero() {
			t.Errorf("%s: %v", in, err)
		}
	}
}

type safe struct {
	kind.Meta
	Title string      `json:"title" doc:"What it is called."`
	Code  kind.Secret `json:"code" doc:"What opens it." min:"4" max:"8"`
}

func TestASecretIsHeldToItsTagsWithoutBeingSaid(t *testing.T) {
	for code, ok := range map[string]bool{"": false, "abc": false, "abcd": true, "ääääääää": true, "123456789": false, "a\x00bc": false, "ab\xffcd": false} {
		err := kind.Validate(&safe{Code: kind.NewSecret(code)})
		e := errs.Public(err)
		if (err == nil) != ok || err != nil && (e.Code != errs.Invalid || e.Field != "code" || code != "" && strings.Contains(e.Text, code)) {
			t.Errorf("%q: %v", code, err)
		}
	}
	if err := kind.Validate(&safe{Code: kind.SealedSecret("longer than eight")}); err != nil {
		t.Errorf("a sealed one: %v", err)
	}
	f, _ := kind.Kind[safe]{}.Shape().Field("code")
	if s, _ := json.Marshal(f.Schema()); !f.Secret || !f.Hidden() || string(s) != `{"description":"What opens it.","maxLength":8,"minLength":4,"type":"string","writeOnly":true}` {
		t.Errorf("%+v %s", f, s)
	}
}

func unsound[T any]() error {
	return kind.Kind[T]{Name: "safe", Plural: "safes", Prefix: "saf", Doc: "A safe.", Object: "risks", Label: "title"}.Sound()
}

func TestAKindWhoseSecretCouldNotBeKeptIsNotSound(t *testing.T) {
	if err := unsound[safe](); err != nil {
		t.Fatal(err)
	}
	type inner struct {
		Code kind.Secret `json:"code" doc:"Hidden inside."`
	}
	type base struct {
		kind.Meta
		Title string `json:"title" doc:"What it is called."`
	}
	for what, err := range map[string]error{
		"a plain text": unsound[struct {
			base
			Code string `json:"code" doc:"A." secret:""`
		}](),
		"a map": unsound[struct {
			base
			Code map[string]kind.Secret `json:"code" doc:"A."`
		}](),
		"a list": unsound[struct {
			base
			Code []inner `json:"code" doc:"A."`
		}](),
		"an object": unsound[struct {
			base
			Code *inner `json:"code" doc:"A."`
		}](),
		"a pointer": unsound[struct {
			base
			Code *kind.Secret `json:"code" doc:"A."`
		}](),
		"an index": unsound[struct {
			base
			Code kind.Secret `json:"code" doc:"A." index:""`
		}](),
		"a list column": unsound[struct {
			base
			Code kind.Secret `json:"code" doc:"A." list:""`
		}](),
		"a default": unsound[struct {
			base
			Code kind.Secret `json:"code" doc:"A." default:"1234"`
		}](),
		"a digest that faces set": unsound[struct {
			base
			Code string `json:"code" doc:"A." digest:""`
		}](),
		"a label": unsound[struct {
			kind.Meta
			Title kind.Secret `json:"title" doc:"What it is called."`
		}](),
	} {
		if err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if err := unsound[struct {
		base
		Code string `json:"code" doc:"A." digest:"" index:"" read:"only"`
	}](); err != nil {
		t.Errorf("a digest: %v", err)
	}
}
