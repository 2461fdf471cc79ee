// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
)

var identifier = kind.Field{Name: "id", Type: "string"}

// call reads a request as a call of an operation.
func (s *server) call(w http.ResponseWriter, r *http.Request, o *op.Op) (op.Call, error) {
	c := op.Call{Op: o.Name}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !reads {
		c.Key = r.Header.Get("Idempotency-Key")
	}
	query, err := parameters(r.URL.RawQuery)
	if err != nil {
		return c, err
	}
	if text, ok := query["as_of"]; ok {
		if err = c.Ask(text); err != nil {
			return c, err
		}
		delete(query, "as_of")
	}
	set := map[string]json.RawMessage{} // what the address and the headers say
	if text := r.PathValue("id"); text != "" {
		if set["id"], err = identifier.FromText(text); err != nil {
			return c, err
		}
	}
	if reads {
		err = typed(query, o.In, set)
	} else {
		err = unknown(query)
	}
	if err != nil {
		return c, err
	}
	if err := revision(r, o, set); err != nil {
		return c, err
	}
	if reads {
		c.In, err = json.Marshal(set)
		return c, err
	}
	c.In, err = body(w, r, set)
	return c, err
}

// parameters reads the query: each name once.
func parameters(raw string) (map[string]string, error) {
	if raw == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, at(http.StatusBadRequest, errs.New(errs.Invalid, "the query of the address cannot be read"))
	}
	out := make(map[string]string, len(q))
	for name, values := range q {
		if len(values) != 1 {
			return nil, errs.At(name, "is given %d times", len(values)).Mend("give it once")
		}
		out[name] = values[0]
	}
	return out, nil
}

// unknown refuses parameters where there are none.
func unknown(query map[string]string) error {
	for _, name := range sorted(query) {
		return errs.At(name, "there is no such parameter").Mend("fields stand in the body; the only parameter is as_of, of reads")
	}
	return nil
}

// typed reads parameters by the types of their fields.
func typed(query map[string]string, fields []kind.Field, into map[string]json.RawMessage) error {
	for _, name := range sorted(query) {
		i := slices.IndexFunc(fields, func(f kind.Field) bool {
			return f.Name == name && f.Name != "id" || f.Name == name && into["id"] == nil
		})
		if i < 0 {
			return errs.At(name, "there is no such parameter").Mend("%s", "the parameters are "+parameterNames(fields))
		}
		v, err := fields[i].FromText(query[name])
		if err != nil {
			return err
		}
		into[name] = v
	}
	return nil
}

func parameterNames(fields []kind.Field) string {
	names := []string{}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return strings.Join(append(names, "as_of"), ", ")
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// revision reads If-Match, for operations that want to know which revision is changed.
func revision(r *http.Request, o *op.Op, set map[string]json.RawMessage) error {
	tag := r.Header.Get("If-Match")
	if tag == "" {
		return nil
	}
	if !o.Versioned {
		return errs.At("If-Match", "has no meaning here: this operation takes no revision")
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`), 10, 64)
	if err != nil || n < 1 || tag != `"`+strconv.FormatInt(n, 10)+`"` {
		return errs.At("If-Match", "%s is not a revision", clip(tag)).Mend(`write the ETag that you were given, such as "3"`)
	}
	set["rev"] = strconv.AppendInt(nil, n, 10)
	return nil
}

// body reads the input from the body and lays over it what the address and the headers say. Both may say the same, not different things.
func body(w http.ResponseWriter, r *http.Request, set map[string]json.RawMessage) (json.RawMessage, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.MaxInput))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, at(http.StatusRequestEntityTooLarge, errs.New(errs.Invalid, "the body is larger than %d bytes", op.MaxInput))
	}
	if err != nil {
		return nil, at(http.StatusBadRequest, errs.New(errs.Invalid, "the body could not be read to its end").Because(err))
	}
	if len(raw) == 0 {
		return json.Marshal(set)
	}
	if t, p, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" || (p["charset"] != "" && !strings.EqualFold(p["charset"], "utf-8")) {
		return nil, at(http.StatusUnsupportedMediaType, errs.New(errs.Invalid, "the body is not said to be JSON").Mend("send Content-Type: application/json"))
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, at(http.StatusUnsupportedMediaType, errs.New(errs.Invalid, "the body is packed as %q", clip(e)).Mend("send it unpacked"))
	}
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, at(http.StatusBadRequest, errs.New(errs.Invalid, "the body is not JSON").Mend("send one JSON object, in UTF-8"))
	}
	if len(set) == 0 {
		return raw, nil
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(raw, &named); err != nil || named == nil {
		return nil, errs.New(errs.Invalid, "the body is not a JSON object")
	}
	for n, v := range set {
		if was, ok := named[n]; ok && string(was) != string(v) {
			return nil, errs.At(n, "is %s in the body and %s in the %s", clip(string(was)), clip(string(v)), map[string]string{"rev": "header If-Match", "id": "address"}[n]).Mend("give it once")
		}
		named[n] = v
	}
	return json.Marshal(named)
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
