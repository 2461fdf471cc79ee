// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/internal/errs"
)

// FromText writes a text, as an address, a command line or a form gives it, as JSON of the field's type.
// Lists of plain values have commas between them; a value with a comma in it stands in double quotes.
// Objects are JSON. Whether the value is within the field's bounds is for Validate to say.
func (x Field) FromText(text string) (json.RawMessage, error) {
	if !utf8.ValidString(text) {
		return nil, errs.At(x.Name, "is not readable text (UTF-8)")
	}
	switch {
	case x.Text:
		return json.Marshal(text)
	case x.Type == "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errs.At(x.Name, "wants a whole number, and was given %q", short(text))
		}
		return strconv.AppendInt(nil, n, 10), nil
	case x.Type == "boolean":
		if text != "true" && text != "false" {
			return nil, errs.At(x.Name, "wants true or false, and was given %q", short(text))
		}
		return json.RawMessage(text), nil
	case x.Plain() && x.Type == "array":
		return x.list(text)
	case x.Type == "array" || x.Type == "object" || x.Type == "any":
		if !json.Valid([]byte(text)) {
			return nil, errs.At(x.Name, "wants JSON, and was given %q", short(text))
		}
		return json.RawMessage(text), nil
	}
	return json.Marshal(text)
}

// Plain says whether a value of the field can be written as a text without JSON: one value, or a list of such.
func (x Field) Plain() bool {
	switch x.Type {
	case "object", "any":
		return false
	case "array":
		return x.Fields == nil && x.Format != "any" && x.Format != "object" && x.Format != "array"
	}
	return true
}

func (x Field) list(text string) (json.RawMessage, error) {
	out := []json.RawMessage{}
	if text == "" {
		return json.Marshal(out)
	}
	r := csv.NewReader(strings.NewReader(text))
	parts, err := r.Read()
	if err != nil || r.InputOffset() != int64(len(text)) {
		return nil, errs.At(x.Name, "wants values with commas between them").Mend("put a value that has a comma or a quote in it into double quotes, and double the quotes inside")
	}
	item := Field{Name: x.Name, Type: "string"}
	if x.Format == "integer" || x.Format == "boolean" {
		item.Type = x.Format
	}
	for _, p := range parts {
		v, err := item.FromText(p)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return json.Marshal(out)
}
