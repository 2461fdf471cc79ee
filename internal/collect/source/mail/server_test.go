// SPDX-License-Identifier: Apache-2.0

package mail_test

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"assay/internal/collect/source/mail"

	"github.com/miekg/dns"
)

// zone is what a server of the test knows, as lines of a zone file.
type zone struct {
	records map[string][]dns.RR
	exists  map[string]bool
	broken  map[string]bool // answers SERVFAIL
	mute    bool            // does not answer
	mu      sync.Mutex
	asked   []string
	tcp     atomic.Int32
}

// serve answers for a zone by UDP and TCP on one port, and gives the resolver that asks it.
func serve(t *testing.T, lines string) (*zone, mail.Resolver) {
	t.Helper()
	z := &zone{records: map[string][]dns.RR{}, exists: map[string]bool{}, broken: map[string]bool{}}
	p := dns.NewZoneParser(strings.NewReader("$TTL 60\n"+lines), ".", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		name := strings.ToLower(rr.Header().Name)
		z.records[name] = append(z.records[name], rr)
		for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
			z.exists[name[i:]] = true
		}
		z.exists[name] = true
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: z}, {Listener: tcp, Handler: z}} {
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	r, err := mail.Ask(udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return z, r
}

// ServeDNS answers as a resolver does: with aliases followed, and cut off where it is too long for UDP.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	name := strings.ToLower(q.Question[0].Name)
	z.mu.Lock()
	z.asked = append(z.asked, dns.TypeToString[q.Question[0].Qtype]+" "+name)
	mute, broken := z.mute, z.broken[name]
	z.mu.Unlock()
	if mute {
		return
	}
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if broken {
		m.Rcode = dns.RcodeServerFailure
	} else if !z.exists[name] {
		m.Rcode = dns.RcodeNameError
	}
	for range 8 {
		next := ""
		for _, rr := range z.records[name] {
			switch alias, is := rr.(*dns.CNAME); {
			case is:
				m.Answer, next = append(m.Answer, rr), strings.ToLower(alias.Target)
			case rr.Header().Rrtype == q.Question[0].Qtype:
				m.Answer = append(m.Answer, rr)
			}
		}
		if name = next; name == "" {
			break
		}
	}
	size := 512
	if o := q.IsEdns0(); o != nil {
		size = int(o.UDPSize())
	}
	if w.RemoteAddr().Network() == "tcp" {
		z.tcp.Add(1)
		size = dns.MaxMsgSize
	}
	m.Truncate(size)
	_ = w.WriteMsg(m)
}

// breaks makes the server fail over names.
func (z *zone) breaks(names ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, n := range names {
		z.broken[n] = true
	}
}
