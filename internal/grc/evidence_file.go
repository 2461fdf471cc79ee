// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

// mostCounted is how large a list may be to have its rows counted while others wait to write.
const mostCounted = 4 << 20

// looked holds a piece that somebody is asked to look at, or accepts, against its file: there is something in it, and a population says
// how many rows it has and has as many.
func looked(ctx context.Context, tx *store.Tx, e *Evidence, k *EvidenceKind) error {
	list := !e.Nothing && (e.Type == "population" || e.Event == "" && k != nil && k.Type == "population")
	var faults []error
	if list && e.Rows == nil {
		faults = append(faults, errs.At("row_count", "is required: how many rows the population has").Mend("enter the number of rows; 0 if the list is empty"))
	}
	if e.File != "" {
		faults = append(faults, op.Filled(ctx, tx, string(e.File)))
	}
	if err := errs.Join(faults...); err != nil || e.File == "" || !list {
		return err
	}
	return counted(ctx, tx, e)
}

// counted refuses a number of rows that the file contradicts, where its rows can be counted.
func counted(ctx context.Context, tx *store.Tx, e *Evidence) error {
	f, info, err := op.Cited(ctx, tx, string(e.File))
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size > mostCounted {
		return nil
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("count the rows of %s: %w", e.File, err)
	}
	least, most, ok := rowsIn(e.FileName, string(b))
	says := ""
	switch {
	case ok && *e.Rows < int64(least):
		says = fmt.Sprintf("at least %d", least)
	case ok && *e.Rows > int64(most):
		says = fmt.Sprintf("at most %d", most)
	default:
		return nil
	}
	return errs.At("row_count", "is %d, but the file has %s rows", *e.Rows, says).Mend("correct the number, or upload the list that it counts")
}

// rowsIn counts the rows of a CSV or JSON file, by the ending of its name: the fewest and the most that it can be said to have.
func rowsIn(name, text string) (least, most int, ok bool) {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv":
		return lineRows(text)
	case ".json":
		n, ok := jsonRows(text)
		return n, n, ok
	}
	return 0, 0, false
}

// lineRows counts lines: the first may be the heading or a row, and one with fewer cells than others a row, a title or a total.
func lineRows(text string) (least, most int, ok bool) {
	text = strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\r", "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord, r.Comma = -1, true, true, separator(text)
	widest, wide := 0, 0
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, false
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" { // programs write such rows at the end
			continue
		}
		if most++; len(row) > widest {
			widest, wide = len(row), 0
		}
		if len(row) == widest && (widest == 1 || strings.TrimSpace(strings.Join(row[1:], "")) != "") {
			wide++
		}
	}
	return max(wide-1, 0), most, true
}

// separator is the sign that stands most often in the text.
func separator(text string) rune {
	best, most := ',', 0
	for _, c := range ",;\t|" {
		if n := strings.Count(text, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// jsonRows counts the one list that a JSON text is or holds.
func jsonRows(text string) (int, bool) {
	var list []json.RawMessage
	var m map[string]json.RawMessage
	b := []byte(strings.TrimPrefix(text, "\ufeff"))
	if json.Unmarshal(b, &list) == nil && list != nil {
		return len(list), true
	}
	if json.Unmarshal(b, &m) != nil {
		return 0, false
	}
	n, found := 0, 0
	for _, v := range m {
		if list = nil; json.Unmarshal(v, &list) == nil && list != nil {
			n, found = len(list), found+1
		}
	}
	return n, found == 1
}
