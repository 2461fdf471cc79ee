// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tooMany is where counting ends: ten are allowed, and a record can ask for any number.
const tooMany = 40

// spfWalk follows an SPF record through what it includes.
type spfWalk struct {
	*Source
	saw     *sight
	lookups int64
	fault   string  // why receivers take the record for an error; the first one counts
	unclear string  // why the count is not whole
	share4  float64 // of all IPv4 addresses, those that are let through so far
	share6  float64 // of all IPv6 addresses
}

func (w *spfWalk) wrong(format string, a ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, a...)
	}
}

func (w *spfWalk) open(format string, a ...any) {
	if w.unclear == "" {
		w.unclear = fmt.Sprintf(format, a...)
	}
}

func isSPF(r string) bool {
	r = strings.ToLower(r)
	return r == "v=spf1" || strings.HasPrefix(r, "v=spf1 ")
}

// spf reads the SPF record of a domain. It returns why there is none.
func (s *Source) spf(ctx context.Context, saw *sight) error {
	records, err := s.txt(ctx, saw, saw.domain, isSPF)
	switch {
	case errors.Is(err, errNone):
		saw.Set("spf_records", int64(0))
		saw.Set("spf_record", nil)
		saw.Set("spf_policy", "none")
		saw.Set("spf_lookups", int64(0))
		saw.Set("spf_fault", nil)
		s.sends(saw, true)
		return err
	case err != nil:
		saw.Unknown("SPF: "+err.Error(), "sends_mail", "spf_records", "spf_record", "spf_policy", "spf_lookups", "spf_fault")
		return err
	}
	saw.Set("spf_records", int64(len(records)))
	if len(records) > 1 {
		saw.Set("spf_record", nil)
		saw.Set("spf_policy", "none")
		saw.Set("spf_fault", fmt.Sprintf("there are %d SPF records, and only one may be there", len(records)))
		saw.Unknown("there are several SPF records", "spf_lookups")
		s.sends(saw, true)
		return nil
	}
	w := &spfWalk{Source: s, saw: saw}
	policy := w.follow(ctx, records[0], []string{saw.domain})
	saw.Set("spf_record", clip(records[0]))
	w.tell(policy)
	s.sends(saw, strings.Join(strings.Fields(strings.ToLower(records[0])), " ") != "v=spf1 -all")
	return nil
}

// sends notes whether a domain sends mail, unless a person said that it does not.
func (s *Source) sends(saw *sight, does bool) {
	if !s.silent[saw.domain] {
		saw.Set("sends_mail", does)
	}
}

func (w *spfWalk) tell(policy string) {
	if policy != "" {
		w.saw.Set("spf_policy", policy)
	} else {
		w.saw.Unknown(w.unclear, "spf_policy")
	}
	if w.unclear == "" || w.lookups > 10 {
		w.saw.Set("spf_lookups", w.lookups)
	} else {
		w.saw.Unknown(w.unclear, "spf_lookups")
	}
	switch {
	case w.fault != "":
		w.saw.Set("spf_fault", w.fault)
	case w.unclear == "" || w.lookups > 10:
		w.saw.Set("spf_fault", nil)
	default:
		w.saw.Unknown(w.unclear, "spf_fault")
	}
}

// term is one word of a record.
type term struct {
	sign     byte // + - ~ ?
	name     string
	value    string
	cidr     string // of a and mx without a name: what stands behind the first slash
	modifier bool
}

var (
	modifierForm  = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9_.-]*)=(.*)$`)
	mechanismForm = regexp.MustCompile(`^([-+~?]?)([a-zA-Z0-9]+)(?:([:/])(.*))?$`)
	policies      = map[byte]string{'+': "pass", '-': "fail", '~': "softfail", '?': "neutral"}
)

// terms reads the words of a record. One that is wrong makes the whole record an error.
func (w *spfWalk) terms(of, record string) []term {
	var out []term
	seen := map[string]bool{}
	for _, word := range strings.Fields(record)[1:] {
		if m := modifierForm.FindStringSubmatch(word); m != nil {
			name := strings.ToLower(m[1])
			if name == "redirect" || name == "exp" {
				if seen[name] || m[2] == "" {
					w.wrong("%s: %q is empty or there twice", of, clipWord(word))
				}
				seen[name] = true
			}
			out = append(out, term{name: name, value: m[2], modifier: true})
			continue
		}
		m := mechanismForm.FindStringSubmatch(word)
		if m == nil || !sound(strings.ToLower(m[2]), m[3], m[4]) {
			w.wrong("%s: %q is not a term of SPF", of, clipWord(word))
			continue
		}
		t := term{sign: '+', name: strings.ToLower(m[2])}
		if m[1] != "" {
			t.sign = m[1][0]
		}
		if t.value = m[4]; m[3] == "/" {
			t.value, t.cidr = "", m[4]
		}
		out = append(out, t)
	}
	return out
}

func clipWord(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// sound says whether a mechanism is one, with the value that it needs.
func sound(name, mark, value string) bool {
	switch name {
	case "all":
		return mark == ""
	case "include", "exists":
		return mark == ":" && value != ""
	case "a", "mx":
		return mark != ":" || value != ""
	case "ptr":
		return mark == "" || mark == ":" && value != ""
	case "ip4", "ip6":
		if mark != ":" {
			return false
		}
		if !strings.Contains(value, "/") {
			a, err := netip.ParseAddr(value)
			return err == nil && a.Zone() == "" && a.Is4() == (name == "ip4")
		}
		p, err := netip.ParsePrefix(value)
		return err == nil && p.Addr().Is4() == (name == "ip4")
	}
	return false
}

// What share of all addresses a record may name: an /8 of IPv4, a /16 of IPv6. Above it, it lets everybody through.
const most4, most6 = 1.0 / (1 << 8), 1.0 / (1 << 16)

// bySender are the macros of SPF that differ from sender to sender. An exists without one is the same for everybody.
var bySender = regexp.MustCompile(`(?i)%\{[slipch]`)

// everybody says whether a mechanism matches whoever sends, or nearly: by itself or with those before it.
func (w *spfWalk) everybody(t term) bool {
	switch t.name {
	case "exists":
		return !bySender.MatchString(t.value)
	case "ip4", "ip6", "a", "mx":
		_, cidr, sized := strings.Cut(t.value, "/")
		if t.cidr != "" {
			cidr, sized = t.cidr, true
		}
		if !sized {
			return false
		}
		four, six := shares(t, cidr)
		if t.sign == '+' { // with those before it: 0.0.0.0/1 and 128.0.0.0/1 are everybody
			w.share4, w.share6 = w.share4+four, w.share6+six
			four, six = w.share4, w.share6
		}
		return four > most4 || six > most6
	}
	return false
}

// shares are the shares of all IPv4 and IPv6 addresses in a size such as 24, 24//64 or /64.
func shares(t term, cidr string) (four, six float64) {
	first, second, _ := strings.Cut(cidr, "/")
	of := func(size string) float64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(size, "/"), 10, 8)
		if err != nil {
			return 0
		}
		return math.Ldexp(1, -int(n))
	}
	switch t.name {
	case "ip6":
		return 0, of(first)
	case "ip4":
		return of(first), 0
	}
	return of(first), of(second)
}

// laxest is the more open of two policies: what a receiver makes of some senders that nobody named.
func laxest(a, b string) string {
	order := []string{"fail", "softfail", "neutral", "none", "pass"}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}

// follow counts what a record asks of the DNS, and says what it makes of everybody else; "" where that is not known.
func (w *spfWalk) follow(ctx context.Context, record string, trail []string) string {
	wide := "fail" // what mechanisms that match everybody made of them already
	rest := w.walk(ctx, record, trail, func(t term) { wide = laxest(wide, policies[t.sign]) })
	if rest == "" && wide != "pass" {
		return ""
	}
	return laxest(wide, rest)
}

func (w *spfWalk) walk(ctx context.Context, record string, trail []string, matches func(term)) string {
	of := trail[len(trail)-1]
	redirect := ""
	for _, t := range w.terms(of, record) {
		switch {
		case w.lookups >= tooMany:
			w.open("the record asks for %d lookups and more", tooMany)
			return ""
		case t.modifier && t.name == "redirect":
			redirect = t.value
		case t.modifier:
		case t.name == "all":
			return policies[t.sign]
		case t.name == "include":
			w.lookups++
			if next, ok := w.fetch(ctx, t.value, trail); ok && w.follow(ctx, next, append(trail[:len(trail):len(trail)], fold(t.value))) == "pass" {
				matches(t)
			}
		case t.name == "a", t.name == "mx", t.name == "ptr", t.name == "exists":
			w.lookups++
			fallthrough
		default:
			if w.everybody(t) {
				matches(t)
			}
		}
	}
	if redirect == "" {
		return "neutral"
	}
	w.lookups++
	next, ok := w.fetch(ctx, redirect, trail)
	if !ok {
		if w.fault != "" {
			return "none"
		}
		return ""
	}
	return w.follow(ctx, next, append(trail[:len(trail):len(trail)], fold(redirect)))
}

func fold(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

var nameForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// fetch gets the record that another one points at.
func (w *spfWalk) fetch(ctx context.Context, to string, trail []string) (string, bool) {
	name := fold(to)
	switch {
	case strings.Contains(name, "%"):
		w.open("%s depends on the message (a macro), so its lookups can't be counted", clipWord(to))
		return "", false
	case len(name) > maxName || !nameForm.MatchString(name):
		w.wrong("%q is not a domain", clipWord(to))
		return "", false
	case slices.Contains(trail, name):
		w.wrong("%s includes itself", name)
		return "", false
	}
	records, err := w.txt(ctx, w.saw, name, isSPF)
	switch {
	case errors.Is(err, errNone):
		w.wrong("%s is included and has no SPF record", name)
	case err != nil:
		w.open("SPF record of %s: %v", name, err)
	case len(records) > 1:
		w.wrong("%s is included and has %d SPF records", name, len(records))
	default:
		return records[0], true
	}
	return "", false
}
