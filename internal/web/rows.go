// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/ui"
)

// nobody stands in a filter for the person whom an account does not have: nothing is his, and nothing is asked.
const nobody = "nobody"

// A search reads at most so many things, and a page shows at most so many that it found; where it ends, the page says so.
const (
	mostRead  = 20_000
	mostShown = 1000
	readSize  = 1000
)

// rows is one page of a list of a kind.
func (q *ask) rows(sh kind.Shape, in map[string]any) (listing, error) {
	for _, v := range in {
		if v == nobody {
			return listing{}, nil
		}
	}
	return do[listing](q, sh.Name+".list", in)
}

// all is a list of a kind from its first page to its last, or to the bound: then next is not empty.
func (q *ask) all(sh kind.Shape, in map[string]any, fit func(thing) bool) (listing, error) {
	in["limit"] = readSize
	return through(func(after string) (listing, error) {
		if after != "" {
			in["after"] = after
		}
		return q.rows(sh, in)
	}, fit)
}

// through reads pages up to the bound and keeps what fits.
func through(page func(after string) (listing, error), fit func(thing) bool) (out listing, err error) {
	for read := 0; ; {
		l, err := page(out.Next)
		if err != nil {
			return out, err
		}
		for _, t := range l.Data {
			if fit(t) {
				out.Data = append(out.Data, t)
			}
		}
		out.Next = l.Next
		if read += len(l.Data); out.Next == "" || read >= mostRead {
			return out, nil
		}
	}
}

// shownOf says under a list how much of what was found stands in it.
func shownOf(shown, found int, more bool) string {
	text := fmt.Sprintf("%d shown", shown)
	if found > shown {
		text = fmt.Sprintf("%s of %s shown", ui.Num(int64(shown)), ui.Num(int64(found)))
	}
	if more {
		text += fmt.Sprintf(". Only the first %s were looked through: choose a filter to reach the others", ui.Num(mostRead))
	} else if found > shown {
		text += ". Search for more, or choose a filter, to see the others"
	}
	return text
}

// foot is what stands under a list: nothing where it is empty and nothing was left out.
func (q *ask) foot(sh kind.Shape, shown, found int, more bool) string {
	text := shownOf(shown, found, more) + q.partly(sh)
	if text == "0 shown" {
		return ""
	}
	return text
}

// partly says under a list that it leaves out what its kind guards, where the asker may not see that.
func (q *ask) partly(sh kind.Shape) string {
	for _, f := range sh.Fields {
		if f.Guards != "" && q.actor.May(sh.Object, "view") == op.Open {
			return ". What is or was " + f.Guards + " is not shown to you and not counted here"
		}
	}
	return ""
}

// holds says whether a text stands in a thing, in any letter case.
func holds(t thing, find string) bool { return strings.Contains(strings.ToLower(jsonText(t)), find) }
