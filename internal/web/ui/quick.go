// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/internal/web/static"

	"github.com/a-h/templ"
)

// The words of this file stand hundreds of times on one page, so they are written by hand.

// raw is markup that is known to be safe, because this file made it.
type raw string

// Render writes it.
func (r raw) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(r))
	return err
}

var icons sync.Map // name -> raw; the addresses of the sprite never change while the program runs

func icon(name string) raw {
	if r, ok := icons.Load(name); ok {
		return r.(raw)
	}
	r := raw(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + templ.EscapeString(static.URL("icons.svg#"+name)) + `"></use></svg>`)
	icons.Store(name, r)
	return r
}

// Icon is a picture from the sprite. It never carries meaning alone, so it is hidden from screen readers.
func Icon(name string) templ.Component { return icon(name) }

var badges = sync.OnceValue(func() map[Status]raw {
	m := map[Status]raw{}
	for _, s := range Statuses() {
		m[s] = raw(`<span class="` + s.look().class + `">` + string(icon(s.look().icon)) + s.Word() + `</span>`)
	}
	return m
})

// Badge is a status: shape, word and colour.
func Badge(s Status) templ.Component {
	if r, ok := badges()[s]; ok {
		return r
	}
	return badges()[NoData]
}

// Said is a status in words of its own, where those of the vocabulary would mislead: a source does not pass, it works.
func Said(s Status, word string) templ.Component {
	return raw(`<span class="` + s.look().class + `">` + string(icon(s.look().icon)) + templ.EscapeString(word) + `</span>`)
}

func cell(l Letter) string {
	return `<span class="cell ` + l.class() + `" title="` + l.Word() + `"><span aria-hidden="true">` + l.Text() + `</span><span class="sr">` + l.Word() + `</span></span>`
}

var cellsOf = sync.OnceValue(func() map[Letter]raw {
	m := map[Letter]raw{}
	for _, l := range Letters() {
		m[l] = raw(cell(l))
	}
	return m
})

// Cell is one day's letter, with its word for those who cannot see it.
func Cell(l Letter) templ.Component {
	if r, ok := cellsOf()[l]; ok {
		return r
	}
	return cellsOf()[N]
}

func writeDate(b *strings.Builder, t time.Time) {
	var buf [64]byte
	b.WriteString(`<time datetime="`)
	b.Write(t.AppendFormat(buf[:0], time.DateOnly))
	b.WriteString(`">`)
	b.Write(t.AppendFormat(buf[:0], "2 Jan 2006"))
	b.WriteString(`</time>`)
}

// StripList is the strip as a dated list: Date, Result, Reason.
func StripList(s Strip) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		b.Grow(512 + 420*len(s.Spans))
		b.WriteString(`<div class="table-box"><table class="table folds" aria-label="Days of `)
		b.WriteString(templ.EscapeString(s.Label))
		b.WriteString(`"><thead><tr><th scope="col">Date</th><th scope="col">Result</th><th scope="col">Reason</th></tr></thead><tbody>`)
		for _, d := range s.Dated() {
			writeDated(&b, d)
		}
		b.WriteString(`</tbody></table></div>`)
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func writeDated(b *strings.Builder, d Dated) {
	b.WriteString(`<tr><td class="nowrap">`)
	if d.Days > 1 {
		writeDate(b, d.From)
		b.WriteString(" – ")
	}
	writeDate(b, d.To)
	b.WriteString(`</td><td class="nowrap"><span class="row">`)
	r, ok := cellsOf()[d.Letter]
	if !ok {
		r = cellsOf()[N]
	}
	b.WriteString(string(r))
	b.WriteString(`<span aria-hidden="true">`)
	b.WriteString(d.Letter.Word())
	b.WriteString(`</span>`)
	if d.Days > 1 {
		b.WriteString(`<span class="muted small">`)
		b.WriteString(strconv.Itoa(d.Days))
		b.WriteString(` days</span>`)
	}
	b.WriteString(`</span></td><td class="fill under">`)
	b.WriteString(templ.EscapeString(d.Reason))
	if d.Mark != "" {
		b.WriteString(`<span class="block muted small">Override: `)
		b.WriteString(templ.EscapeString(d.Mark))
		b.WriteString(`</span>`)
	}
	b.WriteString("</td></tr>")
}
