// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/content"
)

// Origin says who stands behind an override that is in force.
type Origin struct {
	Thing      string    // the rule file or the definition, by its id
	ByFile     bool      // it came by a file of the data folder, of which no author is known
	By         string    // who wrote it; empty for a file
	ApprovedBy string    // who approved it; empty where it only adds tests
	Since      time.Time // when it came into force
	Reason     string
}

// Change is what a company made of one test, and who stands behind it.
type Change struct {
	Test       string    `json:"test" doc:"Name of the test."`
	Fields     []string  `json:"fields,omitempty" doc:"What was changed; none for a test that was added."`
	Source     string    `json:"source" doc:"The file or the definition."`
	Thing      string    `json:"thing" doc:"Id of the rule file or the definition."`
	ByFile     bool      `json:"by_file" doc:"Whether it came by a file of the data folder."`
	By         string    `json:"by,omitempty" doc:"Who wrote it; of a file that is not known."`
	ApprovedBy string    `json:"approved_by,omitempty" doc:"Who approved it."`
	Since      time.Time `json:"since" doc:"When it came into force."`
	Reason     string    `json:"reason,omitempty" doc:"Why."`
}

// Who names whoever stands behind a change: its author, or the file that it came by.
func (c Change) Who() string {
	if c.ByFile || c.By == "" {
		return "file " + c.Source
	}
	return c.By
}

func (o *Override) change(t TestChange, fields []string) Change {
	g := o.Origin
	c := Change{Test: t.ID, Fields: fields, Source: o.File, Thing: g.Thing, ByFile: g.ByFile, By: g.By, ApprovedBy: g.ApprovedBy, Since: g.Since, Reason: t.Reason}
	if c.Reason == "" {
		c.Reason = g.Reason
	}
	return c
}

// Changed says whether a test is not as Assay brings it along: what was changed last, by whom and why. It is
// told of tests in force; Off tells of those that were switched off.
func (c *Catalogue) Changed(test string) (Change, bool) {
	x, ok := c.changes[test]
	return x, ok && c.rules[test] != nil
}

// Added says whether a test is the company's own, and whose.
func (c *Catalogue) Added(test string) (Change, bool) {
	x, ok := c.added[test]
	return x, ok && c.rules[test] != nil
}

// Off says whether a test was switched off: since when, by whom and why.
func (c *Catalogue) Off(test string) (Disabled, bool) {
	i := slices.IndexFunc(c.disabled, func(d Disabled) bool { return d.ID == test })
	if i < 0 {
		return Disabled{}, false
	}
	return c.disabled[i], true
}

// Differences says what becomes of the tests of one catalogue in another, each in a line. Tests that the other
// has besides are no difference: nothing that was judged before is judged otherwise.
func Differences(from, to *Catalogue) []string {
	var out []string
	for _, id := range from.order {
		now, ok := to.rules[id]
		if ok && now == from.rules[id] {
			continue // nobody laid anything over it
		}
		if off, is := to.Off(id); !ok && is {
			out = append(out, fmt.Sprintf("%s: switched off (%s)", id, off.Reason))
		} else if !ok {
			out = append(out, id+": removed")
		} else if fields := fieldsOf(from.rules[id].Def, now.Def); len(fields) > 0 {
			out = append(out, id+": "+strings.Join(fields, ", "))
		}
	}
	for _, d := range from.disabled {
		if to.rules[d.ID] != nil {
			out = append(out, d.ID+": switched on again")
		} else if off, ok := to.Off(d.ID); !ok {
			out = append(out, d.ID+": removed")
		} else if off.Reason != d.Reason {
			out = append(out, d.ID+": the reason for which it is switched off")
		}
	}
	return out
}

// fieldsOf names the fields in which two definitions of a test differ. Examples judge nothing and are left out.
func fieldsOf(a, b content.Test) []string {
	x, y := fieldMap(a), fieldMap(b)
	var out []string
	for _, n := range slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(x), sortedKeys(y)...)))) {
		if string(x[n]) != string(y[n]) {
			out = append(out, n)
		}
	}
	return out
}

func fieldMap(t content.Test) map[string]json.RawMessage {
	t.Fixtures = nil
	if len(t.Params) == 0 {
		t.Params = nil
	}
	out := map[string]json.RawMessage{}
	b, err := json.Marshal(t)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil { // only a parameter can be unfit for JSON, and those were checked before
		out["definition"] = fmt.Appendf(nil, "%+v", t)
	}
	return out
}
