// SPDX-License-Identifier: Apache-2.0

package tls

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxHead = 64 << 10
	maxHops = 3
)

// lookAtWeb asks for the first page and follows it only within the same host and port.
func (s *Source) lookAtWeb(ctx context.Context, at netip.AddrPort, e endpoint, one *seen) {
	path := "/"
	for range maxHops {
		resp, verdict, err := s.get(ctx, at, e, path)
		one.note("GET %s: %s%s", path, verdict, because(err))
		if resp == nil {
			if verdict == "not HTTP" {
				one.web = ptr(false)
				one.unknown("the endpoint does not serve web pages", "hsts")
			} else {
				one.unknown("the request for its first page had no answer", "web", "hsts")
			}
			return
		}
		one.web = ptr(true)
		if sends(resp.Header) {
			one.hsts = ptr(true)
			return
		}
		next, ok := sameOrigin(e, path, resp)
		if !ok {
			break
		}
		path = next
	}
	one.hsts = ptr(false)
}

// get sends one request on one connection and reads the head of the answer.
func (s *Source) get(ctx context.Context, at netip.AddrPort, e endpoint, path string) (*http.Response, string, error) {
	var cert validity
	conn, err := s.shake(ctx, at, e, tls10, tls13, &cert)
	if err != nil {
		return nil, "no connection", err
	}
	defer conn.Close()
	host := e.host
	if e.port != 443 {
		host = e.String()
	} else if e.literal.Is6() {
		host = "[" + e.host + "]"
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Assay\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, host)
	if err != nil {
		return nil, "no answer", err
	}
	in := bufio.NewReader(io.LimitReader(conn, maxHead))
	first, err := in.Peek(5)
	if err != nil {
		return nil, "no answer", err
	}
	if string(first) != "HTTP/" {
		if first[0] == 0 { // the first frame of HTTP/2: a web server that speaks only that
			return nil, "only HTTP/2", nil
		}
		return nil, "not HTTP", nil
	}
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, "no whole answer", err
	}
	return resp, resp.Status, nil // the body is not read: it ends with the connection
}

// sends says whether a head carries HSTS with a time to keep it. Only the first header counts.
func sends(h http.Header) bool {
	for part := range strings.SplitSeq(h.Get("Strict-Transport-Security"), ";") {
		key, val, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(strings.TrimSpace(key), "max-age") {
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(val), `"`), 10, 63)
			return err == nil && n > 0
		}
	}
	return false
}

// sameOrigin gives the path that a redirect leads to, if it stays at the same host and port.
func sameOrigin(e endpoint, from string, resp *http.Response) (string, bool) {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return "", false
	}
	base, err := url.Parse("https://" + e.String() + from)
	if err != nil {
		return "", false
	}
	to, err := base.Parse(resp.Header.Get("Location"))
	if err != nil || to.Scheme != "https" || !strings.EqualFold(to.Hostname(), base.Hostname()) {
		return "", false
	}
	port := to.Port()
	if port == "" {
		port = "443"
	}
	path := to.RequestURI()
	return path, port == base.Port() && path != from && len(path) < 2048 && strings.HasPrefix(path, "/")
}
