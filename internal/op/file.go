// SPDX-License-Identifier: Apache-2.0

package op

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"assay/internal/blob"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// upload stands for bringing a file where scopes are asked.
var upload = &Op{Spec: Spec{Name: "file.create"}, Kind: "file", Verb: "create", Writes: true}

// Brought is a file that was brought: kept already, under its digest.
type Brought struct {
	blob.Info
	Media string `json:"media_type"` // as found in its bytes
}

// defaultMaxFile is how large a file may be, in bytes, where no setting says so.
const defaultMaxFile = 512 << 20

// Upload keeps a file that evidence will cite, and writes down who uploaded it: others cite it only where they may read it.
// A file that nothing cites is no evidence, and one in which there is nothing to read is refused. Its type is found in its bytes: what its uploader says of it is not believed.
func (g *Gate) Upload(ctx context.Context, a Actor, r io.Reader) (Brought, error) {
	if !a.inScope(upload) {
		return Brought{}, errs.New(errs.Denied, "this token can't upload files: its scopes are too narrow")
	}
	if err := g.spend(a); err != nil {
		return Brought{}, err
	}
	s, err := g.fileStore(a, "evidence", "submit")
	if err != nil {
		return Brought{}, err
	}
	limit := g.MaxFile
	if limit == 0 {
		limit = defaultMaxFile
	}
	b := bufio.NewReaderSize(r, 4096)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return Brought{}, errs.New(errs.Invalid, "the upload was interrupted, and nothing was kept").Because(err)
	}
	f := Brought{Media: http.DetectContentType(head)}
	if f.Info, err = s.Put(ctx, &substance{r: b}, limit); err != nil {
		return Brought{}, err
	}
	return f, g.uploaded(ctx, a, f)
}

// FileName is the last part of the name that a file was brought under, as text.
func FileName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 127 || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	for len(s) > 200 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Download opens the file that a thing cites, after the ledger has the read. kindName and id say which thing:
// the right to it is decided as for the thing itself.
func (g *Gate) Download(ctx context.Context, a Actor, kindName, id, field string) (io.ReadCloser, blob.Info, error) {
	return g.open(ctx, a, kindName, id, field, "download")
}

// Preview is Download for a page that shows what is in the file.
func (g *Gate) Preview(ctx context.Context, a Actor, kindName, id, field string) (io.ReadCloser, blob.Info, error) {
	return g.open(ctx, a, kindName, id, field, "preview")
}

// FileReads are the operations that read the file of a thing of a kind, as the ledger names them. Reading what is said of the
// file is none of them.
func FileReads(kindName string) []string {
	return []string{kindName + ".download", kindName + ".preview"}
}

func (g *Gate) open(ctx context.Context, a Actor, kindName, id, field, way string) (io.ReadCloser, blob.Info, error) {
	ans, err := g.Call(context.WithValue(ctx, quietKey{}, true), a, Call{Op: kindName + ".get", In: mustJSON(map[string]string{"id": id})})
	if err != nil {
		return nil, blob.Info{}, err
	}
	sh, _ := g.Shape(kindName)
	f, ok := sh.Field(field)
	if !ok || f.Format != "sha256" {
		return nil, blob.Info{}, errs.At("field", "%s has no file %q", Title(kindName), short(field))
	}
	body, err := store.Encode(ans.Out)
	if err != nil {
		return nil, blob.Info{}, err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, blob.Info{}, err
	}
	sha, _ := m[field].(string)
	if sha == "" {
		return nil, blob.Info{}, errs.New(errs.NotFound, "this %s has no file", Title(kindName))
	}
	s, err := g.fileStore(a, heldIn(f), "view")
	if err != nil {
		return nil, blob.Info{}, err
	}
	if err := g.noteOnce(ctx, a, a.by(kindName+"."+way), way, id); err != nil {
		return nil, blob.Info{}, err
	}
	return s.Open(ctx, sha)
}

// heldIn is the object of the role table that what is in a file belongs to: the raw file of a source is its resources.
func heldIn(f kind.Field) string { return cmp.Or(f.Holds, "evidence") }

func (g *Gate) fileStore(a Actor, object, act string) (blob.Store, error) {
	if a.Org == "" || a.ID == "" {
		return nil, errs.New(errs.Unsigned, "you are not signed in")
	}
	if a.May(object, act) == Nothing {
		return nil, errs.New(errs.Denied, "your role can't %s %s", act, objectText(object))
	}
	if g.Files == nil {
		return nil, errs.New(errs.Unavailable, "file storage is not set up")
	}
	return g.Files(a.Org)
}

func mustJSON(m map[string]string) json.RawMessage {
	b, _ := json.Marshal(m) // a map of texts always encodes
	return b
}
