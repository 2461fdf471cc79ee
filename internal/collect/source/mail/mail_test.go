// SPDX-License-Identifier: Apache-2.0

package mail_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"assay/internal/collect"
	"assay/internal/collect/source/mail"
	"assay/internal/collect/source/sourcetest"
)

// one reads the domain example.com.
func one(t *testing.T, r mail.Resolver, cfg mail.Config) collect.Resource {
	t.Helper()
	if len(cfg.Domains) == 0 {
		cfg.Domains = []string{"example.com"}
	}
	s, err := mail.New(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if got.Err != nil || !got.Manifest.Complete || len(got.Resources()) != 1 {
		t.Fatalf("%v %+v", got.Err, got.Manifest)
	}
	return got.Resources()[0]
}

// unknown is what an attribute must not have.
const unknown = "?"

func wants(t *testing.T, r collect.Resource, want map[string]any) {
	t.Helper()
	for name, w := range want {
		v, known := r.Attrs[name]
		switch {
		case w == unknown && (known || r.Why[name] == ""):
			t.Errorf("%s is %v (%q), and must be unknown with a reason", name, v, r.Why[name])
		case w != unknown && (!known || !reflect.DeepEqual(v, w)):
			t.Errorf("%s is %v (known %v, %q), want %v", name, v, known, r.Why[name], w)
		}
	}
}

// text writes a TXT record whose strings are cut as long ones must be.
func text(name, s string) string {
	var parts []string
	for len(s) > 200 {
		parts = append(parts, fmt.Sprintf("%q", s[:200]))
		s = s[200:]
	}
	return name + " IN TXT " + strings.Join(append(parts, fmt.Sprintf("%q", s)), " ") + "\n"
}

func rsaKey(t *testing.T, bits int) string {
	t.Helper()
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1) // nothing is signed: its length is all that matters
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

const ns = "example.com. IN NS ns.example.com.\n"

func TestAMailSourceKeepsTheContractOfSources(t *testing.T) {
	_, r := serve(t, ns+text("example.com.", "v=spf1 -all"))
	sourcetest.Run(t, mail.Connector(r), mail.Config{Domains: []string{"example.com"}, Selectors: []string{"s1"}})
}

func TestSPFIsWhatReceiversMakeOfIt(t *testing.T) {
	eleven := ""
	for i := range 11 {
		eleven += fmt.Sprintf(" a:h%d.example.com", i)
	}
	for name, c := range map[string]struct {
		lines string
		want  map[string]any
	}{
		"fail":     {text("example.com.", "v=spf1 ip4:192.0.2.0/24 -all"), map[string]any{"spf_policy": "fail", "spf_lookups": int64(0), "spf_fault": nil, "spf_records": int64(1), "sends_mail": true}},
		"softfail": {text("example.com.", "V=SPF1 mx a ~All"), map[string]any{"spf_policy": "softfail", "spf_lookups": int64(2), "spf_fault": nil}},
		"neutral":  {text("example.com.", "v=spf1 mx"), map[string]any{"spf_policy": "neutral", "spf_fault": nil}},
		"pass":     {text("example.com.", "v=spf1 +all"), map[string]any{"spf_policy": "pass"}},
		"silent":   {text("example.com.", "v=spf1  -all"), map[string]any{"spf_policy": "fail", "sends_mail": false}},
		"none":     {text("example.com.", "v=spf10 -all") + text("example.com.", "site-verification=x"), map[string]any{"spf_policy": "none", "spf_records": int64(0), "sends_mail": true}},
		"two":      {text("example.com.", "v=spf1 -all") + text("example.com.", "v=spf1 mx ~all"), map[string]any{"spf_policy": "none", "spf_records": int64(2), "spf_lookups": unknown, "spf_fault": "there are 2 SPF records, and only one may be there"}},
		"several strings": {"example.com. IN TXT \"v=spf1 ip4:192.0.2.1 ip4:192\" \".0.2.2 -all\"\n",
			map[string]any{"spf_policy": "fail", "spf_fault": nil, "spf_record": "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"}},
		"an alias": {"example.com. IN CNAME mail.example.net.\n" + text("mail.example.net.", "v=spf1 mx -all"), map[string]any{"spf_policy": "fail"}},
		"includes": {text("example.com.", "v=spf1 include:_spf.example.net include:_b.example.net -all") + text("_spf.example.net.", "v=spf1 include:_c.example.net ~all") + text("_c.example.net.", "v=spf1 a ptr exists:%{i}.x.example.net ?all") + text("_b.example.net.", "v=spf1 ip6:2001:db8::/32 ~all"),
			map[string]any{"spf_policy": "fail", "spf_lookups": int64(6), "spf_fault": nil}},
		"redirect":            {text("example.com.", "v=spf1 redirect=_spf.example.net") + text("_spf.example.net.", "v=spf1 mx -all"), map[string]any{"spf_policy": "fail", "spf_lookups": int64(2), "spf_fault": nil, "sends_mail": true}},
		"all before redirect": {text("example.com.", "v=spf1 ~all redirect=_spf.example.net"), map[string]any{"spf_policy": "softfail", "spf_lookups": int64(0), "spf_fault": nil}},
		"a redirect to none":  {text("example.com.", "v=spf1 redirect=_spf.example.net"), map[string]any{"spf_policy": "none", "spf_fault": "_spf.example.net is included and has no SPF record"}},
		"after all":           {text("example.com.", "v=spf1 -all include:gone.example.net"), map[string]any{"spf_lookups": int64(0), "spf_fault": nil}},
		"eleven":              {text("example.com.", "v=spf1"+eleven+" -all"), map[string]any{"spf_lookups": int64(11), "spf_policy": "fail"}},
		"endless":             {text("example.com.", "v=spf1"+strings.Repeat(eleven, 5)+" -all"), map[string]any{"spf_lookups": int64(40), "spf_policy": unknown}},
		"a loop": {text("example.com.", "v=spf1 include:a.example.net -all") + text("a.example.net.", "v=spf1 include:B.example.net. -all") + text("b.example.net.", "v=spf1 include:a.example.net -all"),
			map[string]any{"spf_fault": "a.example.net includes itself", "spf_policy": "fail", "spf_lookups": int64(3)}},
		"itself":                {text("example.com.", "v=spf1 include:example.com -all"), map[string]any{"spf_fault": "example.com includes itself"}},
		"an include of nothing": {text("example.com.", "v=spf1 include:gone.example.net -all"), map[string]any{"spf_fault": "gone.example.net is included and has no SPF record", "spf_lookups": int64(1)}},
		"a misspelling":         {text("example.com.", "v=spf1 ipv4:192.0.2.1 -all"), map[string]any{"spf_fault": `example.com: "ipv4:192.0.2.1" is not a term of SPF`}},
		"a wrong address":       {text("example.com.", "v=spf1 ip4:192.0.2.300 -all"), map[string]any{"spf_fault": `example.com: "ip4:192.0.2.300" is not a term of SPF`}},
		"a macro":               {text("example.com.", "v=spf1 include:%{ir}.%{d}.example.net -all"), map[string]any{"spf_policy": "fail", "spf_lookups": unknown, "spf_fault": unknown}},
		"an address inside":     {text("example.com.", "v=spf1 include:127.0.0.1 include:localhost -all"), map[string]any{"spf_fault": `"127.0.0.1" is not a domain`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := serve(t, ns+c.lines)
			wants(t, one(t, r, mail.Config{Selectors: []string{"s1"}}), c.want)
		})
	}
}

func TestAnAnswerTooLongForUDPIsReadByTCP(t *testing.T) {
	lines := ns
	for i := range 60 {
		lines += text("example.com.", fmt.Sprintf("verification-%d=%s", i, strings.Repeat("x", 180)))
	}
	z, r := serve(t, lines+text("example.com.", "v=spf1 mx -all"))
	wants(t, one(t, r, mail.Config{}), map[string]any{"spf_policy": "fail", "spf_records": int64(1)})
	if z.tcp.Load() == 0 {
		t.Error("nothing was asked by TCP: the test shows nothing")
	}
}

func TestWhatTheResolverDoesNotSayStaysUnknown(t *testing.T) {
	z, r := serve(t, ns+text("example.com.", "v=spf1 include:_spf.example.net -all")+text("_dmarc.example.com.", "v=DMARC1; p=reject"))
	z.breaks("_spf.example.net.")
	wants(t, one(t, r, mail.Config{}), map[string]any{"spf_policy": "fail", "spf_lookups": unknown, "spf_fault": unknown, "dmarc_policy": "reject"})
	z.breaks("_dmarc.example.com.")
	wants(t, one(t, r, mail.Config{}), map[string]any{"dmarc_policy": unknown, "dmarc_pct": unknown})
	z.breaks("example.com.")
	s, err := mail.New(mail.Config{Domains: []string{"example.com"}}, r)
	if err != nil {
		t.Fatal(err)
	}
	if got := sourcetest.Take(t.Context(), s); got.Manifest.Complete || !strings.Contains(got.Manifest.Reason, "SERVFAIL") {
		t.Errorf("no domain could be looked up, and the run is %+v", got.Manifest)
	}
	// One of two that can't be looked up is a row without answers.
	if s, err = mail.New(mail.Config{Domains: []string{"example.com", "example.org"}}, r); err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if !got.Manifest.Complete || len(got.Resources()) != 2 {
		t.Fatalf("%+v", got.Manifest)
	}
	wants(t, got.Resources()[0], map[string]any{"sends_mail": unknown, "spf_policy": unknown, "dkim_selectors": unknown, "dmarc_policy": unknown})
}

func TestANameThatIsNotInUseIsUnknown(t *testing.T) {
	_, r := serve(t, ns)
	wants(t, one(t, r, mail.Config{Domains: []string{"exampel.com"}}), map[string]any{"spf_policy": unknown, "sends_mail": unknown, "dmarc_policy": unknown})
	// The control: one that is in use and has no record at all.
	wants(t, one(t, r, mail.Config{}), map[string]any{"spf_policy": "none", "sends_mail": true, "dmarc_policy": "missing"})
}

func TestASilentResolverEndsARunInTime(t *testing.T) {
	z, r := serve(t, ns)
	z.mute = true
	ctx, stop := context.WithCancel(t.Context())
	s, err := mail.New(mail.Config{Domains: []string{"example.com"}}, r)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan sourcetest.Taken)
	go func() { ended <- sourcetest.Take(ctx, s) }()
	stop()
	if got := <-ended; got.Err == nil || got.Manifest.Complete || len(got.Resources()) > 0 {
		t.Errorf("a run that was called off ended with %v %+v", got.Err, got.Manifest)
	}
}

func TestDKIMKeysAreMeasured(t *testing.T) {
	long, short := rsaKey(t, 2048), rsaKey(t, 512)
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed := "k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	for name, c := range map[string]struct {
		lines     string
		selectors []string
		want      map[string]any
	}{
		"a usual selector":     {text("google._domainkey.example.com.", long), nil, map[string]any{"dkim_selectors": []string{"google"}, "dkim_key_bits": int64(2048)}},
		"an alias":             {"selector1._domainkey.example.com. IN CNAME selector1-example-com._domainkey.example.net.\n" + text("selector1-example-com._domainkey.example.net.", long), nil, map[string]any{"dkim_selectors": []string{"selector1"}, "dkim_key_bits": int64(2048)}},
		"none of the usual":    {text("x7._domainkey.example.com.", long), nil, map[string]any{"dkim_selectors": unknown, "dkim_key_bits": unknown}},
		"your own":             {text("x7._domainkey.example.com.", long), []string{"X7"}, map[string]any{"dkim_selectors": []string{"x7"}}},
		"your own, gone":       {text("google._domainkey.example.com.", long), []string{"x7"}, map[string]any{"dkim_selectors": []string{}, "dkim_key_bits": nil}},
		"the shortest":         {text("s1._domainkey.example.com.", long) + text("s2._domainkey.example.com.", short), nil, map[string]any{"dkim_selectors": []string{"s1", "s2"}, "dkim_key_bits": int64(512)}},
		"Ed25519":              {text("s1._domainkey.example.com.", ed), nil, map[string]any{"dkim_selectors": []string{"s1"}, "dkim_key_bits": nil}},
		"both":                 {text("s1._domainkey.example.com.", ed) + text("s2._domainkey.example.com.", long), nil, map[string]any{"dkim_key_bits": int64(2048)}},
		"revoked":              {text("s1._domainkey.example.com.", "v=DKIM1; p="), []string{"s1"}, map[string]any{"dkim_selectors": []string{}}},
		"not a key":            {text("s1._domainkey.example.com.", "v=DKIM1; p=bm9uc2Vuc2U="), []string{"s1"}, map[string]any{"dkim_selectors": []string{}}},
		"a wildcard of others": {text("*.example.com.", "v=spf1 -all") + text("s1._domainkey.example.com.", "v=spf1 -all"), []string{"s1"}, map[string]any{"dkim_selectors": []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := serve(t, ns+text("example.com.", "v=spf1 mx -all")+c.lines)
			wants(t, one(t, r, mail.Config{Selectors: c.selectors}), c.want)
		})
	}
}

func TestASelectorThatCannotBeLookedUpIsNotMissing(t *testing.T) {
	z, r := serve(t, ns+text("s1._domainkey.example.com.", rsaKey(t, 1024)))
	z.breaks("x7._domainkey.example.com.", "google._domainkey.example.com.")
	wants(t, one(t, r, mail.Config{Selectors: []string{"s1", "x7"}}), map[string]any{"dkim_selectors": unknown})
	wants(t, one(t, r, mail.Config{}), map[string]any{"dkim_selectors": []string{"s1"}}) // what was only tried does not matter then
}

func TestDMARCIsWhatReceiversAreAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		domain, lines string
		want          map[string]any
	}{
		"reject":             {"", text("_dmarc.example.com.", "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"), map[string]any{"dmarc_policy": "reject", "dmarc_pct": int64(100)}},
		"part of the mail":   {"", text("_dmarc.example.com.", "v=DMARC1;p=Quarantine;pct=25"), map[string]any{"dmarc_policy": "quarantine", "dmarc_pct": int64(25)}},
		"none":               {"", text("_dmarc.example.com.", "v=DMARC1; p=none"), map[string]any{"dmarc_policy": "none"}},
		"a wrong word":       {"", text("_dmarc.example.com.", "v=DMARC1; p=rejected"), map[string]any{"dmarc_policy": "none"}},
		"a test":             {"", text("_dmarc.example.com.", "v=DMARC1; p=quarantine; t=y"), map[string]any{"dmarc_policy": "none"}},
		"missing":            {"", "", map[string]any{"dmarc_policy": "missing", "dmarc_pct": nil}},
		"version not first":  {"", text("_dmarc.example.com.", "p=reject; v=DMARC1"), map[string]any{"dmarc_policy": "missing"}},
		"two":                {"", text("_dmarc.example.com.", "v=DMARC1; p=reject") + text("_dmarc.example.com.", "v=DMARC1; p=none"), map[string]any{"dmarc_policy": "missing"}},
		"an alias":           {"", "_dmarc.example.com. IN CNAME _dmarc.example.net.\n" + text("_dmarc.example.net.", "v=DMARC1; p=reject"), map[string]any{"dmarc_policy": "reject"}},
		"of the parent":      {"news.example.com", text("news.example.com.", "v=spf1 -all") + text("_dmarc.example.com.", "v=DMARC1; p=reject"), map[string]any{"dmarc_policy": "reject"}},
		"for subdomains":     {"news.example.com", text("news.example.com.", "v=spf1 -all") + text("_dmarc.example.com.", "v=DMARC1; p=reject; sp=none"), map[string]any{"dmarc_policy": "none"}},
		"of its own instead": {"news.example.com", text("_dmarc.news.example.com.", "v=DMARC1; p=quarantine") + text("_dmarc.example.com.", "v=DMARC1; p=reject; sp=none"), map[string]any{"dmarc_policy": "quarantine"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := serve(t, ns+c.lines)
			cfg := mail.Config{Selectors: []string{"s1"}}
			if c.domain != "" {
				cfg.Domains = []string{c.domain}
			}
			wants(t, one(t, r, cfg), c.want)
		})
	}
}

func TestAPersonMaySayThatADomainSendsNoMail(t *testing.T) {
	_, r := serve(t, ns+text("example.com.", "v=spf1 mx ~all"))
	wants(t, one(t, r, mail.Config{NoMail: []string{"Example.com."}}), map[string]any{"sends_mail": false, "spf_policy": "softfail"})
}

// The resolver is asked, and nothing else is contacted, whatever a record names.
func TestOnlyNamesAreAskedFor(t *testing.T) {
	z, r := serve(t, ns+text("example.com.", "v=spf1 a:127.0.0.1 mx:169.254.169.254 exists:localhost include:192.168.0.1 ip4:10.0.0.1 -all"))
	one(t, r, mail.Config{})
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, q := range z.asked {
		if !strings.HasSuffix(q, "example.com.") {
			t.Errorf("asked for %s", q)
		}
	}
	if !slices.Contains(z.asked, "TXT example.com.") {
		t.Error("the domain was not asked for: the test shows nothing")
	}
}

func TestABadConfigurationOfDomainsIsRefusedByField(t *testing.T) {
	for text, field := range map[string]string{
		`{}`: "domains", `{"domains":["a@example.com"]}`: "domains", `{"domains":["https://example.com"]}`: "domains", `{"domains":["localhost"]}`: "domains",
		`{"domains":["192.0.2.1"]}`: "domains", `{"domains":["example.123"]}`: "domains", `{"domains":["münchen.example.com"]}`: "domains", `{"domains":["example.com","EXAMPLE.com."]}`: "domains",
		`{"domains":["example.com"],"no_mail":["example.org"]}`: "no_mail", `{"domains":["example.com"],"selectors":["a b"]}`: "selectors",
		`{"domains":["example.com"],"selectors":["` + strings.Repeat("a.", 124) + `a"]}`: "selectors", `{"domains":["example.com"],"resolver":"10.0.0.1"}`: "resolver",
		`{"domains":["` + strings.Repeat("a.", 124) + `a"]}`: "domains", `{"domains":["example.com "],"no_mail":["b@"]}`: "no_mail",
	} {
		if _, err := mail.Connector(nil).New(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheResolverIsAnAddress(t *testing.T) {
	for _, a := range []string{"", "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53"} {
		if _, err := mail.Ask(a); err != nil {
			t.Errorf("%q: %v", a, err)
		}
	}
	for _, a := range []string{"dns.example.com", "192.0.2.53:port", "https://192.0.2.53/dns-query"} {
		if _, err := mail.Ask(a); err == nil || !strings.Contains(err.Error(), "dns_resolver") {
			t.Errorf("%q: %v", a, err)
		}
	}
}

// What lets everybody through before its "all" is a policy of pass, however it is written; what names some senders is not.
func TestAnSPFRecordThatNamesEverybodyIsNoPolicy(t *testing.T) {
	others := text("wide.example.net.", "v=spf1 +all") + text("half.example.net.", "v=spf1 ip4:128.0.0.0/1 -all") + text("soft.example.net.", "v=spf1 ~all")
	for terms, want := range map[string]string{
		"ip4:0.0.0.0/0 -all":                      "pass",
		"ip4:198.51.100.1/0 ip6:::/0 -all":        "pass",
		"ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all":      "pass",
		"ip4:10.0.0.0/7 -all":                     "pass",
		"ip4:10.0.0.0/8 -all":                     "fail",
		"ip6:2000::/3 -all":                       "pass",
		"ip6:2001::/16 -all":                      "fail",
		"a/0 -all":                                "pass",
		"mx:example.net/0 ~all":                   "pass",
		"a//0 -all":                               "pass",
		"a/24//64 mx/28 -all":                     "fail",
		"a:example.net//3 -all":                   "pass",
		"exists:com -all":                         "pass",
		"exists:%{d} -all":                        "pass",
		"exists:%{i}._spf.example.net -all":       "fail",
		"include:wide.example.net -all":           "pass",
		"?include:wide.example.net -all":          "neutral",
		"-include:wide.example.net -all":          "fail",
		"include:half.example.net ~all":           "pass",
		"include:soft.example.net -all":           "fail",
		"~ip4:0.0.0.0/0 -all":                     "softfail",
		"-ip4:0.0.0.0/0 ~all":                     "softfail",
		"ip4:0.0.0.0/0 redirect=soft.example.net": "pass",
		strings.Repeat("ip4:10.0.0.0/10 ", 5) + "ip6:2001:db8::/32 -all": "pass",
	} {
		t.Run(terms, func(t *testing.T) {
			_, r := serve(t, ns+text("example.com.", "v=spf1 "+terms)+others)
			wants(t, one(t, r, mail.Config{}), map[string]any{"spf_policy": want})
		})
	}
}
