// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"assay/internal/op"
	"assay/internal/store"
)

// Headers of the receipt: which entry of the ledger holds what was written, and the hash of its leaf.
const (
	HeaderEntry  = "Assay-Ledger-Entry"
	HeaderLeaf   = "Assay-Ledger-Leaf"
	HeaderReplay = "Idempotency-Replayed"
)

// answer writes what an operation gave.
func (s *server) answer(w http.ResponseWriter, r *http.Request, ans op.Answer) error {
	out, ok := ans.Out.(json.RawMessage)
	if !ok {
		var err error
		if out, err = store.Encode(ans.Out); err != nil {
			return fmt.Errorf("encode output of %s: %w", ans.Op.Name, err)
		}
	}
	h := w.Header()
	if rc := ans.Receipt; rc != nil && rc.Count > 0 {
		h.Set(HeaderEntry, fmt.Sprint(rc.Seq))
		h.Set(HeaderLeaf, rc.Leaf)
	}
	if ans.Replay {
		h.Set(HeaderReplay, "true")
	}
	if next, parameter := cursor(ans.Op, out); next != "" && next != "0" {
		q := r.URL.Query()
		q.Set(parameter, next)
		h.Set("Link", "<"+r.URL.Path+"?"+q.Encode()+`>; rel="next"`)
	}
	if isThing(ans.Op) {
		var m struct {
			ID  string `json:"id"`
			Rev int64  `json:"rev"`
		}
		if json.Unmarshal(out, &m) == nil && m.Rev > 0 {
			tag := fmt.Sprintf("%q", fmt.Sprint(m.Rev))
			h.Set("ETag", tag)
			if !ans.Op.Writes && matches(r.Header.Get("If-None-Match"), tag) {
				w.WriteHeader(http.StatusNotModified)
				return nil
			}
			if ans.Op.Fresh {
				h.Set("Location", r.URL.Path+"/"+m.ID)
			}
		}
	}
	switch {
	case ans.Op.Verb == "end" && string(out) == "{}":
		w.WriteHeader(http.StatusNoContent)
	case ans.Op.Fresh:
		write(w, http.StatusCreated, "application/json", out)
	default:
		write(w, http.StatusOK, "application/json", out)
	}
	return nil
}

// isThing says whether the answer is one thing with a revision.
func isThing(o *op.Op) bool {
	p, _ := o.OutSchema["properties"].(map[string]any)
	return p["id"] != nil && p["rev"] != nil
}

var nextAtEnd = regexp.MustCompile(`^"next":(?:"([A-Za-z0-9_-]+)"|([1-9][0-9]*))\}$`)

// cursor finds the cursor of the next page in a list, and the parameter that takes it.
func cursor(o *op.Op, out []byte) (next, parameter string) {
	if p, _ := o.OutSchema["properties"].(map[string]any); p["next"] == nil || p["data"] == nil {
		return "", ""
	}
	parameter = "after"
	if p, _ := o.InSchema["properties"].(map[string]any); p[parameter] == nil {
		parameter = "before" // lists that go back from the newest
	}
	tail := out[max(0, len(out)-4096):]
	if i := bytes.LastIndex(tail, []byte(`"next":`)); i >= 0 {
		if m := nextAtEnd.FindSubmatch(tail[i:]); m != nil {
			return string(m[1]) + string(m[2]), parameter
		}
	}
	if bytes.HasSuffix(tail, []byte("]}")) {
		return "", "" // the list is the last field: there is no next page
	}
	var l struct {
		Next any `json:"next"`
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if d.Decode(&l) != nil || l.Next == nil {
		return "", ""
	}
	return fmt.Sprint(l.Next), parameter
}

// matches says whether a header of entity tags holds a tag.
func matches(header, tag string) bool {
	if header == "" {
		return false
	}
	for _, t := range strings.Split(header, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}
