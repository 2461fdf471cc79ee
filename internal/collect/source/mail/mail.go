// SPDX-License-Identifier: Apache-2.0

// Package mail reads what the DNS says of a company's mail domains: who may send mail in their name (SPF), with which
// keys mail is signed (DKIM), and what receivers are asked to do with the rest (DMARC).
//
// It knows these three kinds of records. It asks one resolver, connects to nothing that a record names, and does not
// judge what it read.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

const kindDomain = "mail.domain"

// Config is what a person sets.
type Config struct {
	Domains   []string `json:"domains"`
	NoMail    []string `json:"no_mail"`
	Selectors []string `json:"selectors"`
}

// Source reads a list of domains.
type Source struct {
	domains   []string
	silent    map[string]bool
	selectors []string
	named     bool // a person named the selectors: one that does not answer is not there
	dns       Resolver
}

const (
	maxDomains   = 500
	maxSelectors = 100
	atOnce       = 4
	patience     = time.Minute // for one domain, with all its records
)

// usual are the selectors of Google Workspace, Microsoft 365 and common senders.
var usual = []string{"google", "selector1", "selector2", "default", "dkim", "mail", "smtp", "s1", "s2", "k1", "k2", "k3", "mandrill", "mte1", "mte2",
	"fm1", "fm2", "fm3", "protonmail", "protonmail2", "protonmail3", "zmail", "zoho", "sig1", "pm", "mailjet", "resend", "brevo1", "brevo2", "zendesk1", "zendesk2"}

// Connector describes the source for forms and help.
func Connector(r Resolver) collect.Connector {
	return collect.Connector{
		Name:  "mail",
		Title: "Mail domains",
		Doc:   "Reads SPF, DKIM and DMARC of your mail domains from the DNS.",
		Fields: []collect.ConfigField{
			{Name: "domains", Doc: "Your domains: those that send mail, and those that send none, which others could use in your name. A domain whose SPF record is v=spf1 -all sends none.", Example: "example.com", Required: true, List: true},
			{Name: "no_mail", Doc: "Which of these send no mail although their SPF record does not say so yet.", Example: "example.org", List: true},
			{Name: "selectors", Doc: "DKIM selectors of your mail services. Without them, those of Google Workspace, Microsoft 365 and other common services are tried.", Example: "selector1", List: true},
		},
		New: func(raw json.RawMessage) (collect.Source, error) {
			var cfg Config
			if err := feed.Config(raw, &cfg); err != nil {
				return nil, err
			}
			return New(cfg, r)
		},
	}
}

// New makes a source from a configuration, and refuses one that cannot work.
func New(cfg Config, r Resolver) (*Source, error) {
	if r == nil {
		r = ours
	}
	s := &Source{dns: r, silent: map[string]bool{}, selectors: usual, named: len(cfg.Selectors) > 0}
	if len(cfg.Domains) == 0 {
		return nil, errs.At("domains", "is empty").Mend("give at least one domain, such as example.com")
	}
	var err error
	if s.domains, err = names("domains", cfg.Domains, maxDomains, domain); err != nil {
		return nil, err
	}
	silent, err := names("no_mail", cfg.NoMail, maxDomains, domain)
	if err != nil {
		return nil, err
	}
	for _, d := range silent {
		s.silent[d] = true
		if !slices.Contains(s.domains, d) {
			return nil, errs.At("no_mail", "%s is not one of domains", d).Mend("add it to domains too")
		}
	}
	if s.named {
		if s.selectors, err = names("selectors", cfg.Selectors, maxSelectors, selector); err != nil {
			return nil, err
		}
	}
	for _, d := range s.domains {
		for _, sel := range s.selectors {
			if len(keyName(sel, d)) > maxName {
				return nil, errs.At("selectors", "%s with %s is longer than a name can be", sel, d)
			}
		}
	}
	return s, nil
}

// names reads a list of names, none of them twice.
func names(field string, in []string, limit int, read func(field, text string) (string, error)) ([]string, error) {
	if len(in) > limit {
		return nil, errs.At(field, "holds %d names, and %d fit in one source", len(in), limit)
	}
	var out []string
	for _, text := range in {
		n, err := read(field, text)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, n) {
			return nil, errs.At(field, "%s is listed twice", n)
		}
		out = append(out, n)
	}
	return out, nil
}

const maxName = 253

var (
	domainForm   = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	selectorForm = regexp.MustCompile(`^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$`)
)

func domain(field, text string) (string, error) {
	d := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), ".")
	switch {
	case strings.Contains(d, "@"):
		return "", errs.At(field, "%q is an address, not a domain", text).Mend("give what comes after the @")
	case len(d) > maxName-len("_dmarc.") || !domainForm.MatchString(d):
		return "", errs.At(field, "%q is not a domain", text).Mend("write it such as example.com, an international one in its xn-- form")
	}
	return d, nil
}

func selector(field, text string) (string, error) {
	s := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), ".")
	if len(s) > maxName || !selectorForm.MatchString(s) {
		return "", errs.At(field, "%q is not a selector", text).Mend("give the name that stands before ._domainkey, such as selector1")
	}
	return s, nil
}

// Describe implements collect.Source.
func (s *Source) Describe() collect.Description {
	return collect.Description{
		Kinds:       []string{kindDomain},
		Reads:       "The SPF, DKIM and DMARC records of your domains, and the SPF records that they include.",
		Permissions: []string{"name resolution"},
		Query:       "TXT of " + strings.Join(s.domains, ", ") + ", of _dmarc there, and of ._domainkey with the selectors " + strings.Join(s.selectors, ", "),
		Version:     "RFC 7208, RFC 6376, RFC 7489",
	}
}

// Collect implements collect.Source.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, kindDomain)
	saw := make([]*sight, len(s.domains))
	slots := make(chan struct{}, atOnce)
	var busy sync.WaitGroup
	for i, d := range s.domains {
		slots <- struct{}{}
		busy.Go(func() {
			saw[i] = s.look(ctx, d)
			<-slots
		})
	}
	busy.Wait()
	if err := ctx.Err(); err != nil { // what was not looked up must not pass for missing
		return out.Fail(err)
	}
	silent := 0
	for _, one := range saw {
		if one.noAnswer {
			silent++
		}
		out.Raw([]byte(one.domain + "\n" + strings.Join(one.log, "\n") + "\n"))
		if err := out.Add(one.Resource(kindDomain, one.domain, one.domain)); err != nil {
			return out.Fail(err)
		}
	}
	if silent == len(saw) {
		out.Incomplete("the resolver answered for none of the domains: %s", saw[0].Why["spf_policy"])
	}
	return out.End()
}

// sight is what was seen of one domain. What a reason stands for is not known.
type sight struct {
	*feed.Attrs
	domain   string
	log      []string // the records, and what became of each question, for the record
	noAnswer bool     // nothing at all could be looked up
}

func (s *sight) note(format string, a ...any) { s.log = append(s.log, fmt.Sprintf(format, a...)) }

// all are the attributes that need the DNS.
var all = []string{"sends_mail", "spf_records", "spf_record", "spf_policy", "spf_lookups", "spf_fault", "dkim_selectors", "dkim_key_bits", "dmarc_policy", "dmarc_pct", "dmarc_record"}

// look reads everything of one domain.
func (s *Source) look(ctx context.Context, d string) *sight {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	saw := &sight{Attrs: feed.NewAttrs(), domain: d}
	saw.Set("domain", d)
	if s.silent[d] {
		saw.Set("sends_mail", false)
	}
	first := s.spf(ctx, saw)
	if first != nil && !errors.Is(first, errNone) && s.unanswered(ctx, saw, first) {
		return saw
	}
	found := s.dmarc(ctx, saw)
	if errors.Is(first, errNone) && !found && s.unused(ctx, saw) {
		return saw
	}
	s.dkim(ctx, saw)
	return saw
}

// unanswered says that no question about a domain has an answer, and spares those that are left.
func (s *Source) unanswered(ctx context.Context, saw *sight, first error) bool {
	_, err := s.dns.LookupNS(ctx, saw.domain+".")
	saw.noAnswer = err != nil && !errors.Is(plain(err), errNone)
	if saw.noAnswer {
		saw.Unknown(first.Error(), all...)
	}
	return saw.noAnswer
}

// unused says that the DNS has nothing under a name. It may be misspelt: that it is unprotected would be too much to say.
func (s *Source) unused(ctx context.Context, saw *sight) bool {
	_, ns := s.dns.LookupNS(ctx, saw.domain+".")
	_, mx := s.dns.LookupMX(ctx, saw.domain+".")
	_, ip := s.dns.LookupNetIP(ctx, "ip", saw.domain+".")
	for _, err := range []error{ns, mx, ip} {
		if !errors.Is(plain(err), errNone) {
			return false
		}
	}
	for _, name := range all {
		delete(saw.Known, name)
	}
	saw.note("no NS, MX or address: the name is not in use")
	saw.Unknown("the DNS has no record of this name. Check its spelling, or remove it from the source", all...)
	return true
}
