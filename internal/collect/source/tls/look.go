// SPDX-License-Identifier: Apache-2.0

package tls

import (
	"context"
	gotls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
)

// sight is what was seen of one endpoint. What a reason stands for is not known.
type sight struct {
	reachable, public, web, hsts *bool
	minTLS                       string
	cert                         validity
	why                          map[string]string
	log                          []string // every step, for the record
}

// validity is the time in which every certificate that was shown is valid.
type validity struct{ begin, end time.Time }

func (v *validity) and(x validity) {
	if x.begin.After(v.begin) {
		v.begin = x.begin
	}
	if !x.end.IsZero() && (v.end.IsZero() || x.end.Before(v.end)) {
		v.end = x.end
	}
}

func (s *sight) unknown(reason string, attrs ...string) {
	if s.why == nil {
		s.why = map[string]string{}
	}
	for _, a := range attrs {
		if s.why[a] == "" {
			s.why[a] = reason
		}
	}
}

func (s *sight) note(format string, a ...any) { s.log = append(s.log, fmt.Sprintf(format, a...)) }

var (
	served = append([]string{"min_tls", "hsts", "web"}, certAttrs...)

	certAttrs = []string{"cert_not_before", "cert_not_after"}
)

func (s *sight) resource(e endpoint) collect.Resource {
	a := feed.NewAttrs()
	a.Set("host", e.host)
	a.Set("port", int64(e.port))
	for name, v := range map[string]*bool{"reachable": s.reachable, "public": s.public, "web": s.web, "hsts": s.hsts} {
		if v != nil && s.why[name] == "" {
			a.Set(name, *v)
		}
	}
	if s.minTLS != "" && s.why["min_tls"] == "" {
		a.Set("min_tls", s.minTLS)
	}
	if !s.cert.end.IsZero() && s.why["cert_not_after"] == "" {
		a.Time("cert_not_before", s.cert.begin)
		a.Time("cert_not_after", s.cert.end)
	}
	for name, reason := range s.why {
		a.Unknown(reason, name)
	}
	a.Unknown("the endpoint did not show it", append(served, "reachable", "public")...)
	return a.Resource(kindEndpoint, e.String(), e.String())
}

func ptr[T any](v T) *T { return &v }

const maxAddrs = 16

// look resolves an endpoint once and looks at every address that the name leads to: what one of
// them accepts, the endpoint accepts.
func (s *Source) look(ctx context.Context, e endpoint) sight {
	ctx, stop := context.WithTimeout(ctx, s.patience())
	defer stop()
	var saw sight
	addrs := s.resolve(ctx, e, &saw)
	if len(addrs) == 0 {
		return saw
	}
	var answered []seen
	silent := false
	for _, a := range addrs {
		one := s.lookAt(ctx, netip.AddrPortFrom(a, e.port), e)
		for _, line := range one.log {
			saw.note("%s: %s", a, line)
		}
		switch {
		case one.reached:
			answered = append(answered, one)
		case one.noRoute:
			saw.unknown(fmt.Sprintf("this machine has no way to %s; set only to ipv4 or ipv6 to leave such addresses out", a), served...)
			saw.unknown(fmt.Sprintf("this machine has no way to %s", a), "reachable")
		default:
			silent = true
		}
	}
	saw.merge(answered, silent)
	return saw
}

// resolve gives the addresses to look at. A name that a person did not say leads inside must not
// lead there: whoever controls the name could otherwise make Assay reach into this network.
func (s *Source) resolve(ctx context.Context, e endpoint, saw *sight) []netip.Addr {
	all := []netip.Addr{e.literal}
	if !e.literal.IsValid() {
		found, err := s.net.Resolve(ctx, e.host)
		if err != nil {
			saw.note("resolve: %v", err)
			if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
				saw.reachable = ptr(false)
				saw.unknown("this machine finds no address for the name", append(served, "public")...)
			} else {
				saw.unknown("the name could not be looked up", append(served, "public", "reachable")...)
			}
			return nil
		}
		all = found
	}
	own := e.literal.IsValid() || e.host == "localhost" || s.cfg.Inside
	var use []netip.Addr
	anywhere := false
	for _, a := range all {
		a = a.Unmap().WithZone("")
		where := whereIs(a)
		anywhere = anywhere || where == public
		switch {
		case s.cfg.Only == "ipv4" && !a.Is4(), s.cfg.Only == "ipv6" && a.Is4():
			saw.note("%s: left out, as only says", a)
		case where == nowhere:
			saw.unknown(fmt.Sprintf("%s is an address that no endpoint can have; it was not contacted", a), append(served, "reachable")...)
		case where == inside && !own:
			saw.unknown(fmt.Sprintf("the name leads to the private address %s; set inside to true if that is meant", a), append(served, "reachable")...)
		case !slices.Contains(use, a):
			use = append(use, a)
		}
	}
	saw.public = ptr(anywhere)
	if len(use) == 0 {
		saw.unknown("the name has no address to look at", append(served, "reachable")...)
	}
	if len(use) > maxAddrs {
		saw.unknown(fmt.Sprintf("the name has %d addresses, and at most %d are looked at", len(use), maxAddrs), served...)
		use = use[:maxAddrs]
	}
	return use
}

// merge joins what the addresses showed: the oldest protocol, the first end, and HSTS only from all.
func (s *sight) merge(all []seen, silent bool) {
	if len(all) == 0 {
		if silent && s.why["reachable"] == "" {
			s.reachable = ptr(false)
			s.unknown("the endpoint does not answer", served...)
		}
		return
	}
	delete(s.why, "reachable")
	s.reachable = ptr(true)
	rank := []string{"none", "ssl3", "1.0", "1.1", "1.2", "1.3"}
	for _, one := range all {
		for name, reason := range one.why {
			s.unknown(reason, name)
		}
		if one.minTLS != "" && (s.minTLS == "" || slices.Index(rank, one.minTLS) < slices.Index(rank, s.minTLS)) {
			s.minTLS = one.minTLS
		}
		s.cert.and(one.cert)
		if one.web != nil {
			s.web = ptr(*one.web || (s.web != nil && *s.web))
		}
		if one.hsts != nil {
			s.hsts = ptr(*one.hsts && (s.hsts == nil || *s.hsts))
		}
	}
}

// seen is what was seen at one address.
type seen struct {
	sight
	reached, noRoute bool
}

// lookAt tries every version at one address.
func (s *Source) lookAt(ctx context.Context, at netip.AddrPort, e endpoint) seen {
	var one seen
	conn, err := s.dial(ctx, at)
	if err != nil {
		one.note("connect: %v", err)
		one.noRoute = errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
		return one
	}
	_ = conn.Close()
	one.reached = true
	answers := map[uint16]answer{}
	for _, v := range []uint16{tls13, tls12, tls11, tls10, ssl3} {
		got, cert, err := s.try(ctx, at, e, v)
		one.note("TLS %s: %s%s", names[v], got, because(err))
		if cur, ok := answers[v]; !ok || cur != accepted {
			answers[v] = got
		}
		one.cert.and(cert)
	}
	one.decide(answers)
	switch one.minTLS {
	case "":
		one.unknown("no protocol could be agreed on", "web", "hsts", "min_tls")
	case "none":
		one.web, one.hsts = ptr(true), ptr(false)
		one.unknown("the endpoint does not encrypt, so it shows no certificate", certAttrs...)
	default:
		s.lookAtWeb(ctx, at, e, &one)
	}
	if one.cert.end.IsZero() {
		one.unknown("no handshake got as far as the certificate", certAttrs...)
	}
	return one
}

// decide finds the oldest version accepted. A version older than that about which nothing is
// known leaves the answer open.
func (s *seen) decide(answers map[uint16]answer) {
	any, plain, other := false, true, false
	for _, a := range answers {
		any = any || a == accepted
		plain = plain && (a == plainHTTP || a == closed)
		other = other || a == plainHTTP
	}
	if !any && plain && other {
		s.minTLS = "none"
		return
	}
	for _, v := range []uint16{ssl3, tls10, tls11, tls12, tls13} {
		switch a := answers[v]; {
		case a == accepted:
			s.minTLS = names[v]
			return
		case a == refused, a == closed && any, a == erred && any && v < tls12:
		default:
			s.unknown(fmt.Sprintf("whether it accepts TLS %s cannot be told: %s", names[v], a), "min_tls")
		}
	}
}

// try offers exactly one version: first with a whole handshake, then, where that fails, with a
// hello that offers every cipher.
func (s *Source) try(ctx context.Context, at netip.AddrPort, e endpoint, version uint16) (answer, validity, error) {
	var cert validity
	if version > ssl3 {
		conn, err := s.shake(ctx, at, e, version, version, &cert)
		if err == nil {
			_ = conn.Close()
			return accepted, cert, nil
		}
		if version == tls13 {
			return shakeAnswer(err), cert, err
		}
	}
	var got answer
	var err error
	ciphers := wideCiphers
	for range 2 { // a closed connection may be bad luck once, and an error inside the server be about one way to agree on a key
		var chosen uint16
		chosen, got, err = s.sayHello(ctx, at, version, e.serverName(), ciphers)
		if got == accepted && chosen != version {
			return refused, cert, fmt.Errorf("it chose %s", names[chosen])
		}
		if got == erred {
			ciphers = plainCiphers
		} else if got != closed {
			break
		}
	}
	return got, cert, err
}

func (e endpoint) serverName() string {
	if e.literal.IsValid() {
		return ""
	}
	return e.host
}

// shake makes a whole handshake between two versions. The certificate is noted, not judged: an
// expired one must be seen to be reported.
func (s *Source) shake(ctx context.Context, at netip.AddrPort, e endpoint, lowest, highest uint16, cert *validity) (*gotls.Conn, error) {
	raw, err := s.dial(ctx, at)
	if err != nil {
		return nil, err
	}
	var suites []uint16
	for _, c := range slices.Concat(gotls.CipherSuites(), gotls.InsecureCipherSuites()) {
		suites = append(suites, c.ID)
	}
	conn := gotls.Client(raw, &gotls.Config{
		ServerName: e.host, MinVersion: lowest, MaxVersion: highest, CipherSuites: suites, //nolint:gosec // old versions are what is looked for
		InsecureSkipVerify: true, //nolint:gosec // see above; nothing secret is sent
		NextProtos:         []string{"http/1.1"},
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if leaf, err := x509.ParseCertificate(chain[0]); err == nil {
				*cert = validity{leaf.NotBefore, leaf.NotAfter}
			}
			return nil
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

func shakeAnswer(err error) answer {
	var said *net.OpError
	var header gotls.RecordHeaderError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unclear
	case errors.As(err, &said) && said.Op == "remote error": // an alert
		return refused
	case errors.As(err, &header):
		if strings.HasPrefix(string(header.RecordHeader[:]), "HTTP/") {
			return plainHTTP
		}
		return notTLS
	case silence(err) == closed:
		return closed
	}
	return unclear
}

func (a answer) String() string {
	return [...]string{"unclear", "accepted", "refused", "reported an internal error", "closed the connection", "answered in HTTP without TLS", "answered in something other than TLS"}[a]
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}
