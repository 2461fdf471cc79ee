// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"image"
	_ "image/gif" // only to be decoded
	_ "image/jpeg"
	"image/png"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// What is previewed, at most. A picture is drawn anew from its decoded points, so nothing that was hidden in the file comes along.
const (
	mostPreview = 64 << 10
	mostPicture = 20 << 20
	mostPoints  = 25_000_000
)

// preview makes a file safe to look at: text as text, a picture as an address that draws it anew. All else has none.
func (q *ask) preview(t thing) page.Preview {
	media := t.text("media_type")
	switch {
	case q.past():
		return page.Preview{None: "Go back to now to see the file. The digest above is from the date you are viewing."}
	case isPicture(media) && t.number("size") <= mostPicture:
		return page.Preview{Image: "/evidence/" + seg(t.id()) + "/picture", Alt: "Image " + t.text("file_name")}
	case !strings.HasPrefix(media, "text/"):
		return page.Preview{None: "No preview for this type of file. Download it to view it."}
	}
	r, _, err := q.Gate.Preview(q.ctx, q.actor, "evidence", t.id(), "file")
	if err != nil {
		return page.Preview{None: "The file can't be read: " + errs.Public(err).Error() + "."}
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, mostPreview+1))
	if err != nil {
		return page.Preview{None: "The file can't be read completely. It may have been altered: verify the ledger."}
	}
	cutOff := len(b) > mostPreview
	if cutOff {
		b = b[:mostPreview]
		for len(b) > 0 && !utf8.Valid(b[max(len(b)-4, 0):]) {
			b = b[:len(b)-1]
		}
	}
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return page.Preview{None: "The file is not readable text. Download it to view it."}
	}
	text := string(b)
	if cutOff {
		text += "\n… the first " + ui.Size(mostPreview) + " are shown"
	}
	if text == "" {
		return page.Preview{None: "The file is empty."}
	}
	return page.Preview{Text: text}
}

func isPicture(media string) bool {
	return media == "image/png" || media == "image/jpeg" || media == "image/gif"
}

// picture draws the picture of a piece of evidence anew.
func picture(q *ask) error {
	r, info, err := q.Gate.Preview(q.ctx, q.actor, "evidence", q.id(), "file")
	if err != nil {
		return err
	}
	defer r.Close()
	if err := q.asShown(info.SHA256); err != nil {
		return err
	}
	no := errs.New(errs.NotFound, "there is no preview for this file")
	if info.Size > mostPicture {
		return no
	}
	b, err := io.ReadAll(io.LimitReader(r, mostPicture+1))
	if err != nil {
		return errs.New(errs.Unavailable, "the file can't be read completely").Because(err)
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width*c.Height > mostPoints || c.Width > 20_000 || c.Height > 20_000 {
		return no
	}
	if kind != "png" && kind != "jpeg" && kind != "gif" {
		return no
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return no
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		return errs.New(errs.Internal, "the image can't be shown").Because(err)
	}
	h := q.w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	_, err = q.w.Write(out.Bytes())
	return ignoreGone(err)
}

// download gives a file as it was brought. A browser is told to save it and never to show it.
func download(q *ask) error {
	t, err := do[thing](q, "evidence.get", map[string]any{"id": q.id()})
	if err != nil {
		return err
	}
	r, info, err := q.Gate.Download(q.ctx, q.actor, "evidence", q.id(), "file")
	if err != nil {
		return err
	}
	defer r.Close()
	if err := q.asShown(info.SHA256); err != nil {
		return err
	}
	h := q.w.Header()
	name := mime.FormatMediaType("attachment", map[string]string{"filename": orElse(op.FileName(t.text("file_name")), "evidence")})
	h.Set("Content-Disposition", orElse(name, "attachment"))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Content-Length", strconv.FormatInt(info.Size, 10))
	h.Set("ETag", `"`+info.SHA256+`"`)
	if q.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(q.w, r); err != nil {
		panic(http.ErrAbortHandler) // half a file must not look whole: the connection breaks off
	}
	return nil
}

// asShown holds the file that is there now against the one that the page shows: in the past that may have been another.
func (q *ask) asShown(sum string) error {
	if !q.past() {
		return nil
	}
	t, err := do[thing](q, "evidence.get", map[string]any{"id": q.id()})
	if err == nil && t.text("file") != sum {
		err = errs.New(errs.NotFound, "it had a different file then, which is no longer in use")
	}
	return err
}

// ignoreGone passes over a reader who has gone away: the answer has begun, and there is nobody to tell.
func ignoreGone(error) error { return nil }
