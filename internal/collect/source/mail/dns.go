// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"assay/internal/errs"
)

// Resolver is whom the source asks. *net.Resolver is one: it retries, asks again by TCP where an answer was cut off,
// follows aliases and joins the strings of a record.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
	LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error)
}

// ours is the resolver of this machine.
var ours = &net.Resolver{PreferGo: true}

// Ask gives the resolver at an address, or without one that of this machine. The address is a setting of the server and
// never one of a source: whoever connects a source could otherwise make the server talk to any address inside.
func Ask(address string) (Resolver, error) {
	if address == "" {
		return ours, nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		ip, bad := netip.ParseAddr(address)
		if bad != nil {
			return nil, errs.At("dns_resolver", "%q is not the address of a resolver", address).Mend("give an IP address, with a port if it is not 53, such as 192.0.2.53 or 192.0.2.53:5353")
		}
		at = netip.AddrPortFrom(ip, 53)
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, at.String())
	}}, nil
}

const wait = 12 * time.Second // for one question: the resolver asks twice

// The ways in which there is no answer.
var (
	errNone   = errors.New("there is no such record")
	errLate   = errors.New("the resolver did not answer in time")
	errBroken = errors.New("the resolver could not find an answer (SERVFAIL or similar)")
)

// plain says what an error of a resolver means. Its own text names the resolver's address, which is nobody's business.
func plain(err error) error {
	var e *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && e.IsNotFound:
		return errNone
	case errors.As(err, &e) && e.IsTimeout, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errLate
	}
	return errBroken
}

// txt gives those TXT records of a name that a kind of record is among.
func (s *Source) txt(ctx context.Context, saw *sight, name string, is func(string) bool) ([]string, error) {
	ctx, stop := context.WithTimeout(ctx, wait)
	defer stop()
	every, err := s.dns.LookupTXT(ctx, name+".") // the dot: no search list of this machine has a part in it
	if err = plain(err); err != nil {
		saw.note("%s: %v", name, err)
		return nil, err
	}
	var out []string
	for _, r := range every {
		if is(r) {
			out = append(out, r)
			saw.note("%s: %s", name, strconv.Quote(clip(r)))
		}
	}
	if len(out) == 0 {
		saw.note("%s: %v of this kind", name, errNone)
		return nil, errNone
	}
	return out, nil
}

const longest = 4096

// clip keeps what is shown of a record within bounds; nothing is decided by it.
func clip(s string) string {
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
