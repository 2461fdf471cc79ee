// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"io"
	"net/http"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// files are the addresses of files: one that takes them, and one below each thing for each file that it cites.
func (s *server) files(mux *http.ServeMux) {
	mux.Handle("/v1/files", s.method(http.MethodPost, s.upload))
	for _, d := range downloads(s.gate.Set) {
		mux.Handle(d.path, s.method(http.MethodGet, func(w http.ResponseWriter, r *http.Request) { s.download(w, r, d) }))
	}
}

// cited is a field of a kind that cites a file.
type cited struct {
	path, kind, field, doc string
}

func downloads(set *op.Set) []cited {
	var out []cited
	taken := routes(set)
	for _, sh := range set.Shapes() {
		get := set.Find(sh.Name + ".get")
		if get == nil {
			continue
		}
		_, one := get.Route()
		for _, f := range sh.Fields {
			if c := (cited{one + "/" + f.Name, sh.Name, f.Name, f.Doc}); f.Type == "string" && f.Format == "sha256" && taken[c.path] == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// method serves one method of an address for a caller that is known.
func (s *server) method(m string, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != m && (m != http.MethodGet || r.Method != http.MethodHead):
			s.notAllowed(w, r, []string{m})
		case r.URL.RawQuery != "":
			s.problem(w, r, errs.New(errs.Invalid, "this address takes no parameters"))
		default:
			if err := s.site.Check(r); err != nil {
				s.problem(w, r, errs.New(errs.Denied, "another site sent this request").Because(err))
				return
			}
			h(w, r)
		}
	})
}

// upload keeps the body as a file and says its digest, by which a thing may cite it.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	named(w, "file.upload")
	a, err := s.who(r)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	a.Via = "rest"
	info, err := s.gate.Upload(r.Context(), a, r.Body)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	b, err := store.Encode(info)
	if err != nil {
		s.problem(w, r, fmt.Errorf("encode file: %w", err))
		return
	}
	write(w, http.StatusCreated, "application/json", b)
}

// download gives a file that a thing cites. It is always something to save, never a page of this site.
func (s *server) download(w http.ResponseWriter, r *http.Request, d cited) {
	named(w, d.kind+".download")
	a, err := s.who(r)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	a.Via = "rest"
	body, info, err := s.gate.Download(r.Context(), a, d.kind, r.PathValue("id"), d.field)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	defer body.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", fmt.Sprint(info.Size))
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", info.SHA256))
	h.Set("ETag", fmt.Sprintf("%q", info.SHA256))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, body); err != nil {
		s.log().ErrorContext(r.Context(), "file could not be sent to its end", "kind", d.kind, "file", info.SHA256, "error", err)
		panic(http.ErrAbortHandler) // the caller must not take a part for the whole
	}
}

// named says which operation a request is, for the figures.
func named(w http.ResponseWriter, name string) {
	if sw, ok := w.(*status); ok {
		sw.op = name
	}
}

// filePaths describes the addresses of files.
func filePaths(set *op.Set, paths object) {
	bytes := object{"application/octet-stream": object{"schema": object{}}}
	fail := object{"$ref": "#/components/responses/problem"}
	paths["/v1/files"] = object{"post": object{"operationId": "file.upload", "summary": "Keep a file that evidence will cite", "tags": []string{"file"},
		"description": "The body is the file, of any type. Cite it by its digest: a file that nothing cites is no evidence.",
		"requestBody": object{"required": true, "content": bytes},
		"responses": object{"default": fail, "201": object{"description": "Kept.", "content": object{"application/json": object{"schema": object{"type": "object", "required": []string{"sha256", "size", "media_type"},
			"properties": object{"sha256": kind.Field{Type: "string", Format: "sha256", Doc: "Digest of the file."}.Schema(), "size": object{"type": "integer", "description": "Size in bytes."}, "media_type": object{"type": "string", "description": "Its type, as found in its bytes."}}}}}}}}}
	for _, d := range downloads(set) {
		paths[d.path] = object{"get": object{"operationId": d.kind + ".download." + d.field, "summary": "Read the file that it cites", "description": d.doc + " The reading is written to the ledger.", "tags": []string{d.kind},
			"parameters": []object{{"name": "id", "in": "path", "required": true, "description": "Identifier.", "schema": object{"type": "string"}}},
			"responses":  object{"default": fail, "200": object{"description": "The file.", "content": bytes}}}}
	}
}
