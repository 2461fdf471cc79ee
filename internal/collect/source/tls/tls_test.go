// SPDX-License-Identifier: Apache-2.0

package tls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	gotls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/sourcetest"
	"assay/internal/collect/source/tls"
)

var end = time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)

// certificate makes a self-signed one, with an RSA key so that the oldest ciphers work too.
func certificate(t *testing.T, notAfter time.Time) gotls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app.example.com"},
		NotBefore: notAfter.AddDate(-1, 0, 0), NotAfter: notAfter, DNSNames: []string{"app.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return gotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve runs a web server with exactly these versions and gives its address.
func serve(t *testing.T, lowest, highest uint16, notAfter time.Time, page http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(page)
	var suites []uint16
	for _, c := range slices.Concat(gotls.CipherSuites(), gotls.InsecureCipherSuites()) {
		suites = append(suites, c.ID)
	}
	s.TLS = &gotls.Config{MinVersion: lowest, MaxVersion: highest, CipherSuites: suites,
		Certificates: []gotls.Certificate{certificate(t, notAfter)}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func hsts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
}

func nothing(http.ResponseWriter, *http.Request) {}

func open(t *testing.T, n tls.Network, cfg tls.Config) collect.Source {
	t.Helper()
	s, err := tls.New(cfg, n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one looks at one endpoint of a complete run.
func one(t *testing.T, n tls.Network, cfg tls.Config) collect.Resource {
	t.Helper()
	got := sourcetest.Take(t.Context(), open(t, n, cfg))
	if got.Err != nil || !got.Manifest.Complete || len(got.Resources()) != 1 {
		t.Fatalf("%v %+v %v", got.Err, got.Manifest, got.Resources())
	}
	if t.Failed() {
		t.Log(string(got.Pages[0].Raw))
	}
	return got.Resources()[0]
}

func wants(t *testing.T, r collect.Resource, want map[string]any) {
	t.Helper()
	for name, v := range want {
		got, known := r.Attrs[name]
		if v == nil && (known || r.Why[name] == "") {
			t.Errorf("%s is %v with the reason %q, want unknown with a reason", name, got, r.Why[name])
		}
		if v != nil && got != v {
			t.Errorf("%s is %v (%s), want %v", name, got, r.Why[name], v)
		}
	}
}

func TestTheContractHolds(t *testing.T) {
	a := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, hsts)
	sourcetest.Run(t, tls.Connector(tls.Internet{}), map[string]any{"endpoints": []string{a, "127.0.0.1:1"}})
}

func TestTheOldestProtocolIsFound(t *testing.T) {
	for _, c := range []struct {
		lowest, highest uint16
		want            string
	}{
		{gotls.VersionTLS10, gotls.VersionTLS10, "1.0"},
		{gotls.VersionTLS10, gotls.VersionTLS13, "1.0"},
		{gotls.VersionTLS11, gotls.VersionTLS12, "1.1"},
		{gotls.VersionTLS12, gotls.VersionTLS12, "1.2"},
		{gotls.VersionTLS12, gotls.VersionTLS13, "1.2"},
		{gotls.VersionTLS13, gotls.VersionTLS13, "1.3"},
	} {
		a := serve(t, c.lowest, c.highest, end, hsts)
		r := one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}})
		wants(t, r, map[string]any{"min_tls": c.want, "reachable": true, "public": false, "web": true, "hsts": true,
			"cert_not_after": "2031-05-01T00:00:00.000Z"})
	}
}

func TestAnExpiredCertificateIsReportedNotRefused(t *testing.T) {
	a := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end.AddDate(-10, 0, 0), nothing)
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}),
		map[string]any{"cert_not_after": "2021-05-01T00:00:00.000Z", "hsts": false, "web": true, "min_tls": "1.2"})
}

func TestAClientCertificateDoesNotHideTheEndpoint(t *testing.T) {
	for _, v := range []uint16{gotls.VersionTLS12, gotls.VersionTLS13} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(hsts))
		s.TLS = &gotls.Config{MinVersion: v, MaxVersion: v, ClientAuth: gotls.RequireAnyClientCert, Certificates: []gotls.Certificate{certificate(t, end)}}
		s.StartTLS()
		t.Cleanup(s.Close)
		r := one(t, tls.Internet{}, tls.Config{Endpoints: []string{s.Listener.Addr().String()}})
		want := "1.2"
		if v == gotls.VersionTLS13 {
			want = "1.3"
		}
		wants(t, r, map[string]any{"min_tls": want, "reachable": true, "cert_not_after": "2031-05-01T00:00:00.000Z", "hsts": nil, "web": nil})
	}
}

func TestAnUnreachableEndpointWasLookedAt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := l.Addr().String()
	l.Close()
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}),
		map[string]any{"reachable": false, "min_tls": nil, "cert_not_after": nil, "hsts": nil, "web": nil})
}

func TestAnEndpointWithoutEncryptionSaysSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hsts))
	t.Cleanup(s.Close)
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{s.Listener.Addr().String()}}),
		map[string]any{"reachable": true, "min_tls": "none", "cert_not_after": nil, "hsts": false, "web": true})
}

// listen answers every connection with the same function.
func listen(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
	return l.Addr().String()
}

// TestAServerWithCiphersThatWeLackIsNotTakenToRefuse speaks as a server that has only ciphers of
// finite-field Diffie-Hellman would: the library's handshake fails, the wide hello does not.
func TestAServerWithCiphersThatWeLackIsNotTakenToRefuse(t *testing.T) {
	a := listen(t, func(c net.Conn) {
		hello := make([]byte, 4096)
		n, err := c.Read(hello)
		if err != nil || n < 12 {
			return
		}
		if strings.Contains(string(hello[:n]), "\x00\x39") && hello[9] == 3 && hello[10] == 1 {
			_, _ = c.Write([]byte{22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1})
			_, _ = c.Write(make([]byte, 36))
			return
		}
		_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 70})
	})
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"min_tls": "1.0", "reachable": true, "cert_not_after": nil})
}

// erring stands before a server of TLS 1.2 and 1.3 and answers hellos of older versions as OpenSSL 3 does, which may
// sign nothing for them any more: with alert 80. accepts says which hello it takes all the same.
func erring(t *testing.T, accepts func(hello []byte) bool) string {
	behind := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, hsts)
	return listen(t, func(c net.Conn) {
		hello := make([]byte, 4096)
		n, err := c.Read(hello)
		if err != nil || n < 12 {
			return
		}
		if hello = hello[:n]; hello[9] == 3 && hello[10] < 3 {
			if accepts(hello) {
				_, _ = c.Write([]byte{22, 3, 1, 0, 42, 2, 0, 0, 38, 3, hello[10]})
				_, _ = c.Write(make([]byte, 36))
				return
			}
			_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 80})
			return
		}
		to, err := net.Dial("tcp", behind)
		if err != nil {
			return
		}
		defer to.Close()
		_, _ = to.Write(hello)
		go func() { _, _ = io.Copy(to, c) }()
		_, _ = io.Copy(c, to)
	})
}

func TestAnErrorOverAnOldVersionIsARefusal(t *testing.T) {
	a := erring(t, func([]byte) bool { return false })
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"min_tls": "1.2", "hsts": true,
		"cert_not_before": "2030-05-01T00:00:00.000Z", "cert_not_after": "2031-05-01T00:00:00.000Z"})
	// The control: one that errs over signatures only, and speaks the old version without one.
	a = erring(t, func(hello []byte) bool { return hello[10] == 1 && !strings.Contains(string(hello), "\xc0\x14") })
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"min_tls": "1.0"})
	// And one that errs over everything has refused nothing.
	a = listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 80})
	})
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"min_tls": nil, "cert_not_before": nil})
}

func TestWhatCannotBeToldStaysUnknown(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"silence": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"closing": func(net.Conn) {},
		"mail": func(c net.Conn) {
			_, _ = c.Write([]byte("220 mail.example.com ESMTP\r\n"))
			_, _ = io.Copy(io.Discard, c)
		},
		"nonsense":     func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1, 255, 255, 9, 9, 9, 9, 9, 9, 9}) },
		"a slow drip":  func(c net.Conn) { drip(c) },
		"endless data": func(c net.Conn) { endless(c) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := listen(t, answer)
			wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}, Timeout: 1}),
				map[string]any{"reachable": true, "min_tls": nil, "cert_not_after": nil, "hsts": nil, "web": nil})
		})
	}
}

func drip(c net.Conn) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := c.Write([]byte{22}); err != nil {
			return
		}
	}
}

func endless(c net.Conn) {
	b := make([]byte, 64<<10)
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

func TestAServiceThatIsNotWebIsNotWeb(t *testing.T) {
	cfg := &gotls.Config{MinVersion: gotls.VersionTLS12, Certificates: []gotls.Certificate{certificate(t, end)}}
	a := listen(t, func(c net.Conn) {
		s := gotls.Server(c, cfg)
		_, _ = s.Write([]byte("* OK IMAP ready\r\n"))
		_, _ = io.Copy(io.Discard, s)
	})
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"min_tls": "1.2", "web": false, "hsts": nil})
}

func TestHSTSCountsOnlyFromTheSameOrigin(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, func(w http.ResponseWriter, r *http.Request) { elsewhere.Add(1); hsts(w, r) })
	away := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+other+"/", http.StatusFound)
	})
	home := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			hsts(w, r)
			return
		}
		http.Redirect(w, r, "/login", http.StatusFound)
	})
	off := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=0")
	})
	loop := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	for a, want := range map[string]bool{away: false, home: true, off: false, loop: false} {
		wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{a}}), map[string]any{"hsts": want, "web": true})
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect to another origin was followed")
	}
}

// names is a network whose names lead where a test says; every public address leads to one server.
type names struct {
	to     map[string][]string
	server string
	dialed atomic.Int32
}

func (n *names) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if n.to[host] == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var out []netip.Addr
	for _, a := range n.to[host] {
		if a == "broken" {
			return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
		}
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

func (n *names) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	n.dialed.Add(1)
	if to.Addr().Is6() {
		return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", n.server)
}

func TestAPublicNameIsPublic(t *testing.T) {
	n := &names{to: map[string][]string{"app.example.com": {"93.184.216.34"}}, server: serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, hsts)}
	r := one(t, n, tls.Config{Endpoints: []string{"App.Example.com."}})
	wants(t, r, map[string]any{"public": true, "host": "app.example.com", "port": int64(443), "hsts": true, "min_tls": "1.2"})
	if r.Key != "app.example.com:443" {
		t.Errorf("key %q", r.Key)
	}
}

func TestANameMustNotLeadInside(t *testing.T) {
	server := serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, hsts)
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "::1", "fd00::1",
		"fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2001::1", "224.0.0.1", "255.255.255.255", "::", "::10.0.0.1", "64:ff9b:1::1", "198.18.0.1"} {
		n := &names{to: map[string][]string{"app.example.com": {a}}, server: server}
		wants(t, one(t, n, tls.Config{Endpoints: []string{"app.example.com"}}),
			map[string]any{"reachable": nil, "public": false, "min_tls": nil})
		if n.dialed.Load() != 0 {
			t.Errorf("%s was contacted", a)
		}
	}
	n := &names{to: map[string][]string{"db.example.com": {"10.0.0.1"}}, server: server}
	wants(t, one(t, n, tls.Config{Endpoints: []string{"db.example.com"}, Inside: true}), map[string]any{"reachable": true, "public": false, "min_tls": "1.2"})
	n = &names{to: map[string][]string{"db.example.com": {"169.254.169.254"}}, server: server}
	wants(t, one(t, n, tls.Config{Endpoints: []string{"db.example.com"}, Inside: true}), map[string]any{"reachable": nil})
	if n.dialed.Load() != 0 {
		t.Error("the metadata address of a cloud was contacted")
	}
}

func TestAnAddressOutOfOurReachLeavesTheAnswerOpen(t *testing.T) {
	n := &names{to: map[string][]string{"app.example.com": {"93.184.216.34", "2606:2800:220:1::1"}},
		server: serve(t, gotls.VersionTLS12, gotls.VersionTLS13, end, hsts)}
	wants(t, one(t, n, tls.Config{Endpoints: []string{"app.example.com"}}), map[string]any{"reachable": true, "min_tls": nil, "hsts": nil})
	wants(t, one(t, n, tls.Config{Endpoints: []string{"app.example.com"}, Only: "ipv4"}), map[string]any{"reachable": true, "min_tls": "1.2", "hsts": true})
	n.to["app.example.com"] = []string{"2606:2800:220:1::1"}
	wants(t, one(t, n, tls.Config{Endpoints: []string{"app.example.com"}}), map[string]any{"reachable": nil, "public": true})
}

func TestANameThatDoesNotExistIsUnreachableAndABrokenLookupIsNot(t *testing.T) {
	n := &names{to: map[string][]string{"odd.example.com": {"broken"}}}
	wants(t, one(t, n, tls.Config{Endpoints: []string{"gone.example.com"}}), map[string]any{"reachable": false, "public": nil})
	wants(t, one(t, n, tls.Config{Endpoints: []string{"odd.example.com"}}), map[string]any{"reachable": nil, "public": nil})
}

func TestABadEndpointIsRefusedByField(t *testing.T) {
	for _, e := range []string{"", "https://example.com", "example.com:0", "example.com:99999", "exa mple.com", "a@b.example.com", "example.com/x",
		"2130706433", "0x7f000001", "017700000001:443", "127.1", "fe80::1%eth0", "münchen.example.com", "-a.example.com", "[::1", strings.Repeat("a", 300)} {
		raw, _ := json.Marshal(map[string]any{"endpoints": []string{e}})
		if _, err := tls.Connector(tls.Internet{}).New(raw); err == nil || !strings.Contains(err.Error(), "endpoints") {
			t.Errorf("%q: %v", e, err)
		}
	}
	for _, e := range []string{"[::1]:443", "::1", "example.com.", "EXAMPLE.com:8443", "_x.example.com"} {
		if _, err := tls.New(tls.Config{Endpoints: []string{e}}, tls.Internet{}); err != nil {
			t.Errorf("%q: %v", e, err)
		}
	}
}

func TestAnECKeyWorksToo(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(hsts))
	s.TLS = &gotls.Config{Certificates: []gotls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	wants(t, one(t, tls.Internet{}, tls.Config{Endpoints: []string{s.Listener.Addr().String()}}), map[string]any{"min_tls": "1.2", "hsts": true})
}
