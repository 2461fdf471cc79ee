// SPDX-License-Identifier: Apache-2.0

package tls

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"assay/internal/errs"
)

// endpoint is a host and a port, as a person named them.
type endpoint struct {
	host    string
	port    uint16
	literal netip.Addr // valid where the host is an address
}

func (e endpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(int(e.port))) }

var hostForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$`)

func parseEndpoint(text string) (endpoint, error) {
	bad := func(format string, a ...any) (endpoint, error) {
		return endpoint{}, errs.At("endpoints", format, a...).Mend("write a host and a port, such as app.example.com:443")
	}
	trimmed := strings.ToLower(strings.TrimSpace(text))
	if strings.Contains(trimmed, "://") || strings.ContainsAny(trimmed, "/@?#") {
		return bad("%q is an address of a page, not of an endpoint", text)
	}
	e := endpoint{host: trimmed, port: 443}
	if host, port, err := net.SplitHostPort(trimmed); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("%q has no port between 1 and 65535", text)
		}
		e.host, e.port = host, uint16(n)
	}
	if inner, ok := strings.CutPrefix(e.host, "["); ok && strings.HasSuffix(inner, "]") {
		e.host = strings.TrimSuffix(inner, "]")
	}
	e.host = strings.TrimSuffix(e.host, ".")
	if addr, err := netip.ParseAddr(e.host); err == nil {
		if addr.Zone() != "" {
			return bad("%q names a network card, which only means something on this machine", text)
		}
		e.literal, e.host = addr.Unmap(), addr.Unmap().String()
		return e, nil
	}
	if len(e.host) > 253 || !hostForm.MatchString(e.host) {
		return bad("%q is not a host name (write an international one in its xn-- form)", text)
	}
	if digits := strings.Trim(e.host, "0123456789."); digits == "" || strings.HasPrefix(e.host, "0x") {
		return bad("%q looks like an address in an unusual form", text)
	}
	return e, nil
}

// place says where an address lies.
type place int

const (
	public  place = iota
	inside        // a network of somebody's own, or this machine
	nowhere       // no endpoint can have it: contacting it would reach something else
)

var (
	insideNets  = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15", "::1/128", "fc00::/7")
	nowhereNets = prefixes("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64", "2001::/32", "2001:db8::/32")
	carried = map[netip.Prefix]int{ // an IPv4 address stands inside, from this byte on
		netip.MustParsePrefix("64:ff9b::/96"): 12, netip.MustParsePrefix("2002::/16"): 2, netip.MustParsePrefix("::/96"): 12,
	}
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// whereIs places an address. One that carries another address in it is placed by that one too.
func whereIs(a netip.Addr) place {
	a = a.Unmap()
	for _, p := range nowhereNets {
		if p.Contains(a) {
			return nowhere
		}
	}
	for _, p := range insideNets {
		if p.Contains(a) {
			return inside
		}
	}
	if strings.HasPrefix(a.String(), "64:ff9b:1:") {
		return inside
	}
	for p, at := range carried {
		if p.Contains(a) {
			b := a.As16()
			return whereIs(netip.AddrFrom4([4]byte(b[at : at+4])))
		}
	}
	return public
}
