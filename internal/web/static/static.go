// SPDX-License-Identifier: Apache-2.0

// Package static holds the style sheet, scripts, fonts and icons inside the binary, and serves them.
//
// One hash over all of the files stands in every address (/static/<hash>/css/app.css), so that a
// browser may keep them for ever, and relative addresses between the files stay true. It knows
// nothing of pages, and reads no file from disk.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed css js fonts vendor icons.svg mark.svg
var files embed.FS

// Prefix is where Handler must be mounted.
const Prefix = "/static/"

const forever = "public, max-age=31536000, immutable"

type asset struct {
	body, gz []byte
	mime     string
	etag     string
}

type catalogue struct {
	hash  string
	files map[string]asset
	err   error
}

// load reads and compresses the files once; they cannot change while the program runs.
var load = sync.OnceValue(func() catalogue {
	c := catalogue{files: map[string]asset{}}
	all := sha256.New()
	c.err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		fmt.Fprintf(all, "%s %x\n", name, sum)
		a := asset{body: body, mime: mimeOf(name), etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
		if a.gz, err = squeeze(name, body); err != nil {
			return err
		}
		c.files[name] = a
		return nil
	})
	c.hash = base64.RawURLEncoding.EncodeToString(all.Sum(nil)[:9])
	return c
})

// mimeOf is closed on purpose: the machine's own table of types must not change what we serve.
func mimeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}

func squeeze(name string, body []byte) ([]byte, error) {
	if path.Ext(name) == ".woff2" { // compressed already
		return nil, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// URL is the address of a file, such as URL("css/app.css"). It changes when any file changes.
func URL(name string) string { return Prefix + load().hash + "/" + name }

// Check says whether the embedded files could be read; call it once at start.
func Check() error { return load().err }

// Scripts lists the script modules, so that a page can ask for them all at once.
func Scripts() []string {
	return []string{"js/app.js", "js/ask.js", "js/copy.js", "js/dialog.js", "js/filter.js", "js/fold.js", "js/keep.js", "js/keys.js",
		"js/live.js", "js/palette.js", "js/scroll.js", "js/strip.js", "js/theme-menu.js", "js/toast.js", "js/upload.js"}
}

// Handler serves the files under Prefix. An address with an old hash is answered with the present
// file, but may then not be kept.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
		c := load()
		a, found := c.files[name]
		if !ok || !found {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.mime)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", a.etag)
		h.Set("Cache-Control", "no-cache")
		if hash == c.hash {
			h.Set("Cache-Control", forever)
		}
		if r.Header.Get("If-None-Match") == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body := a.body
		if a.gz != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = a.gz
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // the reader has gone away; there is nobody to tell
		}
	})
}
