// SPDX-License-Identifier: Apache-2.0

package file

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// Report is what was found in a file. Every row is read, refused or filtered, and is one of these only.
type Report struct {
	Rows     int      `json:"rows"`     // without heading and empty rows
	Read     int      `json:"read"`     // became a resource
	Refused  int      `json:"refused"`  // have a fault
	Filtered int      `json:"filtered"` // left out, as the configuration says
	Blank    int      `json:"blank"`    // rows without any text; they count nowhere
	Above    int      `json:"above"`    // rows above the heading
	Faults   []Fault  `json:"faults"`   // the first MaxFaults
	Total    int      `json:"total"`    // of all faults
	Ignored  []string `json:"ignored,omitempty"`
	Notes    []string `json:"notes,omitempty"` // what a person should know of how it was read
	Digest   string   `json:"digest"`          // SHA-256 of the file

	kinds []collect.Fault // the faults by their kind; all are counted
	which map[string]int  // kind of fault to its place there
	veil  *veil           // of a file on the server
}

// Fault is one thing that is wrong with a file, and where.
type Fault struct {
	Row    int    `json:"row"` // the heading of a CSV file is row 1; 0 means the whole file
	Column string `json:"column,omitempty"`
	Text   string `json:"message"`
	asks   string // the field of the configuration that answers it
}

func (f Fault) String() string {
	switch {
	case f.Row == 0 && f.Column == "":
		return f.Text
	case f.Row == 0:
		return fmt.Sprintf("column %s: %s", f.Column, f.Text)
	case f.Column == "":
		return fmt.Sprintf("row %d: %s", f.Row, f.Text)
	}
	return fmt.Sprintf("row %d, column %s: %s", f.Row, f.Column, f.Text)
}

// MaxFaults is how many faults are listed; all of them are counted.
const MaxFaults = 100

func (r *Report) fault(row int, column, format string, a ...any) {
	r.add(Fault{Row: row, Column: cut(column), Text: fmt.Sprintf(format, a...)})
}

func (r *Report) add(f Fault) {
	f.Text, f.Column = r.veil.text(f.Text), r.veil.column(f.Column)
	r.Total++
	if len(r.Faults) < MaxFaults {
		r.Faults = append(r.Faults, f)
	}
	key := f.Column + "\x00" + f.Text
	if f.asks != "values" { // each word is asked about by name
		key = f.Column + "\x00" + varying.ReplaceAllString(f.Text, "")
	}
	i, known := r.which[key]
	switch {
	case !known && len(r.kinds) >= MaxFaults:
		return
	case !known:
		if i = len(r.kinds); r.which == nil {
			r.which = map[string]int{}
		}
		r.which[key] = i
		r.kinds = append(r.kinds, collect.Fault{Column: f.Column, Text: f.Text, Rows: []int{}, Field: f.asks})
	}
	k := &r.kinds[i]
	if k.Count++; len(k.Rows) < 10 {
		k.Rows = append(k.Rows, f.Row)
	}
}

// varying is what differs between faults of one kind: what a cell says, and numbers.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9]+`)

func (r *Report) note(format string, a ...any) {
	r.Notes = append(r.Notes, r.veil.text(fmt.Sprintf(format, a...)))
}

// Err is nil for a file that can be imported.
func (r *Report) Err() error {
	if r.Total == 0 {
		return nil
	}
	first, why := r.Faults[0].String(), &collect.Faulty{Faults: r.kinds}
	if r.Total == 1 {
		return errs.At("file", "nothing was imported: %s", first).Because(why)
	}
	var rest strings.Builder // each fault by row and column, so that all can be mended at once
	for _, f := range r.Faults[1:min(len(r.Faults), 20)] {
		rest.WriteString("; " + f.String())
	}
	if more := r.Total - min(len(r.Faults), 20); more > 0 {
		fmt.Fprintf(&rest, "; and %d more", more)
	}
	return errs.At("file", "nothing was imported: %d faults: %s%s", r.Total, first, rest.String()).Because(why)
}

// told are the sentences about a file that stand beside its preview and its run.
func (r *Report) told() []string {
	var out []string
	if len(r.Ignored) > 0 {
		out = append(out, "Ignored columns: "+r.veil.names(r.Ignored)+".")
	}
	if r.Filtered > 0 {
		out = append(out, fmt.Sprintf("%d of %d rows were filtered out.", r.Filtered, r.Rows))
	}
	if r.Blank > 0 {
		out = append(out, fmt.Sprintf("Empty rows skipped: %d.", r.Blank))
	}
	if r.Above > 0 {
		out = append(out, fmt.Sprintf("Rows above the heading skipped: %d.", r.Above))
	}
	return slices.Concat(out, r.Notes)
}

func digest(sum []byte) string { return hex.EncodeToString(sum) }

// cut shortens what is shown of a file's own text.
func cut(s string) string {
	s = feed.Text(s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
