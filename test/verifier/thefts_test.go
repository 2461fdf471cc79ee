// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"strings"
	"time"
)

func init() { tampers = append(tampers, thefts...) }

// thefts are what somebody can do who has the key as well: everything is signed anew.
var thefts = []tamper{
	{"key stolen: history is rebuilt", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		k := -1
		for j, msg := range l.kept {
			if i >= 0 && k < 0 && sizeOf(msg) > i {
				k = j
			}
		}
		if k < 0 {
			return not
		}
		l.entries[i].Actor = "usr_forged"
		l.reseal()
		return found(5, "kept %d", k+1)
	}},
	{"key stolen: the tail is cut off", func(d dice, l *log) tampered {
		n := 0
		for i, e := range l.entries {
			if e.Kind == "disposal" {
				n = i + 1
			}
		}
		if n += d.IntN(len(l.entries) - n + 1); n == len(l.entries) {
			return not
		}
		for k, msg := range l.kept {
			if sizeOf(msg) > n {
				l.entries = l.entries[:n]
				l.reseal()
				return found(5, "kept %d", k+1)
			}
		}
		return not
	}},
	{"key stolen: an entry is dated back", func(d dice, l *log) tampered {
		i := d.pick(l, func(i int, _ *entry) bool { return i > 0 })
		if i < 0 {
			return not
		}
		l.entries[i].At = l.entries[i-1].At.Add(-time.Millisecond)
		l.reseal()
		return found(2, "entry %d", i)
	}},
	{"key stolen: an entry of another organisation", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		l.entries[i].Org = "org_elsewhere"
		l.reseal()
		return found(2, "entry %d", i)
	}},
	{"key stolen: a batch body that is none", func(d dice, l *log) tampered {
		i := d.pick(l, func(i int, e *entry) bool { return l.whole(i, e) && e.Rev == 0 })
		if i < 0 {
			return not
		}
		e := &l.entries[i]
		e.body = d.one("null", "[]", `{"table":"x","rows":0,"root":""}`, strings.Replace(e.body, `"rows":`, `"rows":"`, 1), strings.Replace(e.body, `"rows":`, `"rows":-1,"x":`, 1), strings.Replace(e.body, `"root":"`, `"root":"A`, 1), e.body+"}")
		e.commit()
		l.reseal()
		return found(2, "body of entry %d", i)
	}},
	{"key stolen: a disposal in front of what it removes", func(d dice, l *log) tampered {
		i := d.pick(l, func(_ int, e *entry) bool { return !l.public && e.Kind == "disposal" && e.hasBody })
		if i < 0 {
			return not
		}
		j := d.pick(l, func(j int, e *entry) bool { return j > i && l.whole(j, e) && plain(j, e) })
		if j < 0 {
			return not
		}
		e := &l.entries[i]
		e.body = strings.Replace(e.body, `"entries":[`, fmt.Sprintf(`"entries":[%d,`, j), 1)
		e.body = strings.Replace(e.body, ",]", "]", 1)
		e.commit()
		l.reseal()
		l.entries[j].hasBody, l.entries[j].hasSalt = false, false
		return found(3, "body of entry %d", j)
	}},
	{"key stolen: the body of a disposal is disposed of", func(d dice, l *log) tampered {
		i := d.pick(l, func(i int, e *entry) bool {
			return !l.public && strings.Contains(e.body, `"entries":[],`) && strings.HasSuffix(e.body, `"rows":[]}`) && i+1 < len(l.entries)
		})
		if i < 0 {
			return not
		}
		j := d.pick(l, func(j int, e *entry) bool {
			return j > i && e.Kind == "disposal" && strings.Contains(e.body, `"entries":[],`)
		})
		if j < 0 {
			return not
		}
		e := &l.entries[j]
		e.body = strings.Replace(e.body, `"entries":[]`, fmt.Sprintf(`"entries":[%d]`, i), 1)
		e.commit()
		l.reseal()
		l.entries[i].hasBody, l.entries[i].hasSalt = false, false
		return found(3, "body of entry %d", i)
	}},
	{"key stolen: a list in a disposal is of another type", func(d dice, l *log) tampered {
		i := d.pick(l, func(_ int, e *entry) bool {
			return !l.public && e.Kind == "disposal" && !strings.Contains(e.body, `"entries":[]`)
		})
		if i < 0 {
			return not
		}
		e := &l.entries[i]
		_, list, _ := strings.Cut(e.body, `"entries":[`)
		list, _, _ = strings.Cut(list, "]")
		first := len(l.entries)
		for _, s := range strings.Split(list, ",") {
			var n int
			fmt.Sscan(s, &n)
			first = min(first, n)
		}
		e.body = strings.Replace(e.body, `"entries":[`, `"entries":[`+d.one(`"0",`, `1.5,`, `-1,`, `null,`, `[],`), 1)
		e.commit()
		l.reseal()
		return found(3, "body of entry %d", first)
	}},
}
