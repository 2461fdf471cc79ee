// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"unicode/utf8"

	"assay/internal/errs"
)

// SecretMark is how a secret stands wherever it is printed, logged or encoded.
const SecretMark = "[secret]"

// Secret is a text that must not be shown: a password, the key to another system. However it is
// printed or encoded it stands as [secret]. It is none (the zero value), or given in clear, or sealed
// as the store keeps it. Only store.Reveal opens what is sealed.
type Secret struct{ in **secret } // fmt reads a field that is not exported past every method, and one pointer deep

type secret struct{ clear, sealed string }

// NewSecret is a secret that is given in clear. An empty text is none.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return hold(secret{clear: text})
}

// SealedSecret is a secret as the store keeps it. It is for the store alone.
func SealedSecret(text string) Secret { return hold(secret{sealed: text}) }

func hold(x secret) Secret { p := &x; return Secret{&p} }

// Clear reads a secret that was given in clear; it is empty where there is none, and of one that is
// sealed. It is the one way to read a secret: look for its callers.
func (s Secret) Clear() string {
	if s.in == nil {
		return ""
	}
	return (*s.in).clear
}

// Sealed is a secret as the store keeps it; empty where it is not sealed.
func (s Secret) Sealed() string {
	if s.in == nil {
		return ""
	}
	return (*s.in).sealed
}

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s.in == nil }

func (Secret) String() string { return SecretMark }

// GoString is what %#v prints.
func (Secret) GoString() string { return SecretMark }

// Format prints the mark, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(SecretMark)) } // what cannot be printed is no loss

// LogValue is what a log gets.
func (Secret) LogValue() slog.Value { return slog.StringValue(SecretMark) }

// MarshalText writes the mark.
func (Secret) MarshalText() ([]byte, error) { return []byte(SecretMark), nil }

// MarshalJSON writes the mark, or null where there is no secret.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + SecretMark + `"`), nil
}

// UnmarshalJSON reads a text, which is the secret in clear, or {"sealed":"…"} as it stands in a stored
// body. The Gate lets faces give a text only.
func (s *Secret) UnmarshalJSON(b []byte) error {
	wrong := func(what string) error {
		return &json.UnmarshalTypeError{Value: what, Type: reflect.TypeFor[Secret]()} // it says the type and never the value
	}
	*s = Secret{}
	switch b = bytes.TrimSpace(b); {
	case string(b) == "null":
		return nil
	case len(b) > 0 && b[0] == '"':
		var text string
		if json.Unmarshal(b, &text) != nil {
			return wrong("text")
		}
		*s = NewSecret(text)
		return nil
	case len(b) > 0 && b[0] == '{':
		var kept map[string]string
		if json.Unmarshal(b, &kept) != nil || len(kept) != 1 || kept["sealed"] == "" {
			return wrong("object")
		}
		*s = SealedSecret(kept["sealed"])
		return nil
	}
	return wrong("value")
}

// secretBounds holds a secret that is given in clear against the tags of its field. Nothing of it stands in the error.
func (x Field) secretBounds(s Secret, path string) error {
	text := s.Clear()
	switch {
	case s.IsZero() && x.Required:
		return errs.At(path, "is required")
	case s.IsZero(), s.Sealed() != "":
		return nil
	case !utf8.ValidString(text) || bytes.IndexByte([]byte(text), 0) >= 0:
		return errs.At(path, "is not readable text (UTF-8 without NUL)")
	}
	return x.size(int64(utf8.RuneCountInString(text)), path, " characters")
}

// SecretsSound says whether every secret in a struct type can be kept: it stands at the top, has the type
// Secret, and is neither found by nor shown.
func SecretsSound(t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range Fields(t) {
		typ := t.FieldByIndex(f.At).Type
		switch {
		case typ != secretType && f.Secret:
			return fmt.Errorf("field %s is tagged secret: it wants the type kind.Secret, or the tag digest if it is the digest of a random secret", f.Name)
		case typ == secretType && (f.Index || f.List || f.Default != "" || f.Ref != "" || f.Digest):
			return fmt.Errorf("field %s is a secret: it cannot be found by, listed, a reference, a digest or have a default", f.Name)
		case typ != secretType && buries(typ, nil):
			return fmt.Errorf("field %s has a secret inside: a secret stands at the top of a thing", f.Name)
		case f.Digest && (!f.ReadOnly || f.Type != "string"):
			return fmt.Errorf("field %s is a digest: it wants to be a text that is read:\"only\"", f.Name)
		}
	}
	return nil
}

// buries says whether a secret stands anywhere inside a type.
func buries(t reflect.Type, seen []reflect.Type) bool {
	for _, s := range seen {
		if s == t {
			return false
		}
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return buries(t.Elem(), seen)
	case reflect.Map:
		return buries(t.Key(), seen) || buries(t.Elem(), seen)
	case reflect.Struct:
		if t == secretType {
			return true
		}
		for i := range t.NumField() {
			if buries(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

var secretType = reflect.TypeFor[Secret]()

// GivenSecret says whether the JSON of a secret is one that a face may give: a text, or null.
func GivenSecret(raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" || len(raw) > 0 && raw[0] == '"' {
		return nil
	}
	return errors.New("a secret is given as a text")
}
