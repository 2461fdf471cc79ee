// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

func isDMARC(r string) bool {
	first, _, _ := strings.Cut(r, ";")
	name, value, _ := strings.Cut(first, "=")
	return strings.TrimSpace(name) == "v" && strings.TrimSpace(value) == "DMARC1"
}

// dmarc reads the policy for a domain: its own, or that of the domain above it which has one. It says whether the
// domain has a record of its own.
func (s *Source) dmarc(ctx context.Context, saw *sight) (own bool) {
	records, err := s.txt(ctx, saw, "_dmarc."+saw.domain, isDMARC)
	if err == nil {
		s.policy(saw, records, "p")
		return true
	}
	for name := saw.domain; errors.Is(err, errNone); {
		_, name, _ = strings.Cut(name, ".")
		if !strings.Contains(name, ".") {
			break
		}
		var above []string
		if above, err = s.txt(ctx, saw, "_dmarc."+name, isDMARC); err == nil {
			records, err = above, errNone // the one nearest to the root counts
		}
	}
	if !errors.Is(err, errNone) {
		saw.Unknown("DMARC: "+err.Error(), "dmarc_policy", "dmarc_pct", "dmarc_record")
		return false
	}
	s.policy(saw, records, "sp")
	return false
}

// policy notes what receivers are asked for. Several records are none to them, and a policy that is none of the three
// words asks for nothing.
func (s *Source) policy(saw *sight, records []string, tag string) {
	if len(records) != 1 {
		if len(records) > 1 {
			saw.note("several DMARC records count as none")
		}
		saw.Set("dmarc_policy", "missing")
		saw.Set("dmarc_pct", nil)
		saw.Set("dmarc_record", nil)
		return
	}
	t := lower(tags(records[0]))
	word, ok := t[tag]
	if !ok {
		word = t["p"]
	}
	if word != "quarantine" && word != "reject" {
		word = "none"
	}
	if t["t"] == "y" { // a test: receivers do one step less than it says
		word = map[string]string{"reject": "quarantine", "quarantine": "none", "none": "none"}[word]
	}
	pct := int64(100)
	if n, err := strconv.ParseInt(t["pct"], 10, 64); err == nil && n >= 0 && n <= 100 {
		pct = n
	}
	saw.Set("dmarc_policy", word)
	saw.Set("dmarc_pct", pct)
	saw.Set("dmarc_record", clip(records[0]))
}

func lower(t map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range t {
		out[strings.ToLower(name)] = strings.ToLower(value)
	}
	return out
}
