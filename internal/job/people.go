// SPDX-License-Identifier: Apache-2.0

package job

import (
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
)

// laid is what was found out about resources, and laid over what their sources said: by id and attribute.
type laid map[string]map[string]any

func (l laid) over(x *collect.Version, attr string, val any) {
	attrs := maps.Clone(x.Attrs) // what the source said stays as it is
	if attrs == nil {
		attrs = map[string]any{}
	}
	if l[x.ID] == nil {
		l[x.ID] = map[string]any{}
	}
	attrs[attr], l[x.ID][attr] = val, val
	x.Attrs = attrs
}

// eachOnce makes one person of everybody whom both a roster and a record of Assay name by the same address: otherwise all that
// names the address would mean two people, and be unknown. The row of the roster counts, and so does a departure that Assay
// knows of. Whom a roster listed once and lists no more is gone from it: the record does not take that place, unless it says when
// they left. same leads from the key of a record that was left out to the row that stands for it.
func (l laid) eachOnce(versions []collect.Version, roster, own func(source string) bool) (kept []collect.Version, same map[string]string) {
	listed, gone := map[string][]*collect.Version{}, map[string]bool{}
	for i := range versions {
		x := &versions[i]
		switch mail := address(x); {
		case x.Kind != "person" || mail == "" || !roster(x.Source):
		case x.Present:
			listed[mail] = append(listed[mail], x)
		default:
			gone[mail] = true
		}
	}
	same = map[string]string{}
	out := map[string]bool{}
	for i := range versions {
		x := &versions[i]
		if x.Kind != "person" || !x.Present || !own(x.Source) {
			continue
		}
		rows := listed[address(x)]
		for _, r := range rows {
			same[x.Key] = rows[0].Key
			l.departure(r, x)
		}
		out[x.ID] = len(rows) > 0 || gone[address(x)] && x.Attrs["status"] != "terminated"
	}
	return slices.DeleteFunc(versions, func(x collect.Version) bool { return out[x.ID] }), same
}

// departure takes over from the record of Assay that somebody left: whoever knows of it knows more than a roster that does not yet.
// A first day after that end is another employment.
func (l laid) departure(row, record *collect.Version) {
	end := dayIn(record, "end_on")
	if record.Attrs["status"] != "terminated" || end != "" && dayIn(row, "start_on") > end {
		return
	}
	if row.Attrs["status"] == "terminated" && dayIn(row, "end_on") != "" {
		return
	}
	l.over(row, "status", "terminated")
	if end != "" {
		l.over(row, "end_on", end)
	}
}

// stand derives from the first and the last day of a person where they stand on a day: a roster often says active until somebody
// changes it. A contractor past the end is left active: hr.contractor_ended judges that.
func (l laid) stand(x *collect.Version, today string) {
	if x.Kind != "person" {
		return
	}
	start, end := dayIn(x, "start_on"), dayIn(x, "end_on")
	if end < start {
		end = "" // of an earlier employment
	}
	status, known := x.Attrs["status"]
	working := status == "active" || status == "leave"
	switch {
	case end != "" && end < today && (working || !known) && x.Attrs["kind"] != "contractor":
		l.over(x, "status", "terminated")
	case end >= today && status == "terminated":
		l.over(x, "status", "active")
	case start > today && working:
		l.over(x, "status", "candidate")
	}
}

// rename puts the person that counts in the place of a record that was left out, wherever it is named by its id.
func (l laid) rename(x *collect.Version, same map[string]string) {
	if len(same) == 0 {
		return
	}
	to := func(v any) any {
		s, _ := v.(string)
		if key, ok := same[strings.ToLower(s)]; ok {
			return key
		}
		return v
	}
	for attr, v := range x.Attrs {
		switch v := v.(type) {
		case string:
			if now := to(v); now != v {
				l.over(x, attr, now)
			}
		case []any:
			now := slices.Clone(v)
			for i := range now {
				now[i] = to(now[i])
			}
			if !slices.Equal(now, v) {
				l.over(x, attr, now)
			}
		}
	}
}

// dayIn is an attribute that is a day, as 2006-01-02; "" where it has none.
func dayIn(x *collect.Version, attr string) string {
	s, _ := x.Attrs[attr].(string)
	if len(s) < len(time.DateOnly) {
		return ""
	}
	return s[:len(time.DateOnly)]
}

// address is the e-mail address of a person or an account, in lower case; "" where none is known. A cloud user has none of its
// own, and is often called by one.
func address(x *collect.Version) string {
	m, known := x.Attrs["email"].(string)
	if !known && x.Kind == "cloud.user" && strings.Contains(x.Name, "@") {
		m = x.Name
	}
	return strings.ToLower(m)
}

// matcher finds the person behind an account by e-mail address (identity match). Where people were read
// completely, no match is an answer; otherwise it stays unknown. An address that two people have leads to both, and so to nobody:
// a second roster cannot hide that somebody left.
func (l laid) matcher(versions []collect.Version, people standing) func(*collect.Version) {
	byMail, vouchedFor := map[string]string{}, map[string]bool{}
	for i := range versions {
		x := &versions[i]
		m := address(x)
		if x.Kind != "person" || !x.Present || m == "" {
			continue
		}
		_, vouched := x.Attrs["status"]
		switch {
		case vouched && vouchedFor[m]:
			byMail[m] = m
		case vouched || byMail[m] == "": // a record that nobody has confirmed gives way
			byMail[m], vouchedFor[m] = x.Key, vouched
		}
	}
	return func(x *collect.Version) {
		if x.Kind != "idp.user" && x.Kind != "vcs.member" && x.Kind != "cloud.user" {
			return
		}
		if _, given := x.Attrs["person_ref"]; given || people.state != check.SourceComplete {
			return
		}
		mail := address(x)
		if _, known := x.Attrs["email"].(string); mail == "" && !known {
			return
		}
		if who, found := byMail[mail]; found {
			l.over(x, "person_ref", who)
		} else {
			l.over(x, "person_ref", nil)
		}
	}
}
