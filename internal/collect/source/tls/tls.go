// SPDX-License-Identifier: Apache-2.0

// Package tls looks at network endpoints as a stranger would: the oldest protocol they accept, the
// end of their certificate, and whether web pages insist on encryption.
//
// It knows the TLS and HTTP that can be seen from outside. It signs in nowhere, sends no secret,
// follows no redirect to another place, and does not judge what it saw.
package tls

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

const kindEndpoint = "net.endpoint"

// Config is what a person sets.
type Config struct {
	Endpoints []string `json:"endpoints"`
	Inside    bool     `json:"inside"`
	Only      string   `json:"only"`
	Timeout   int      `json:"timeout_seconds"`
}

// Network is how the source reaches endpoints. Tests put their own in its place.
type Network interface {
	Resolve(ctx context.Context, host string) ([]netip.Addr, error)
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Internet is the network of this machine. It uses no proxy.
type Internet struct{}

// Resolve implements Network.
func (Internet) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// Dial implements Network.
func (Internet) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// Source looks at a list of endpoints.
type Source struct {
	cfg       Config
	endpoints []endpoint
	net       Network
}

const (
	maxEndpoints = 1000
	atOnce       = 16
)

// Connector describes the source for forms and help.
func Connector(n Network) collect.Connector {
	return collect.Connector{
		Name:  "tls",
		Title: "TLS endpoints",
		Doc:   "Connects to your public addresses and notes the oldest protocol they accept, when their certificate ends, and whether web pages send HSTS.",
		Fields: []collect.ConfigField{
			{Name: "endpoints", Doc: "Hosts with ports; 443 without one.", Example: "app.example.com:443", Required: true, List: true},
			{Name: "inside", Doc: "Say true if these names are meant to lead to private addresses. Without it a name that leads to one is not contacted.", Example: "false"},
			{Name: "only", Doc: "ipv4 or ipv6, to look at the addresses of one family only.", Example: "ipv4"},
			{Name: "timeout_seconds", Doc: "How long to wait for one answer. 5 without it.", Example: "5"},
		},
		New: func(raw json.RawMessage) (collect.Source, error) {
			var cfg Config
			if err := feed.Config(raw, &cfg); err != nil {
				return nil, err
			}
			return New(cfg, n)
		},
	}
}

// New makes a source from a configuration, and refuses one that cannot work.
func New(cfg Config, n Network) (*Source, error) {
	s := &Source{cfg: cfg, net: n}
	if len(cfg.Endpoints) == 0 {
		return nil, errs.At("endpoints", "is empty").Mend("give at least one host, such as app.example.com:443")
	}
	if len(cfg.Endpoints) > maxEndpoints {
		return nil, errs.At("endpoints", "holds %d endpoints, and %d fit in one source", len(cfg.Endpoints), maxEndpoints)
	}
	if cfg.Only != "" && cfg.Only != "ipv4" && cfg.Only != "ipv6" {
		return nil, errs.At("only", "%q is neither ipv4 nor ipv6", cfg.Only)
	}
	if cfg.Timeout < 0 || cfg.Timeout > 60 {
		return nil, errs.At("timeout_seconds", "must be between 1 and 60")
	}
	if cfg.Timeout == 0 {
		s.cfg.Timeout = 5
	}
	seen := map[string]bool{}
	for _, text := range cfg.Endpoints {
		e, err := parseEndpoint(text)
		if err != nil {
			return nil, err
		}
		if seen[e.String()] {
			return nil, errs.At("endpoints", "%s stands there twice", e)
		}
		seen[e.String()] = true
		s.endpoints = append(s.endpoints, e)
	}
	return s, nil
}

// Describe implements collect.Source.
func (s *Source) Describe() collect.Description {
	names := make([]string, len(s.endpoints))
	for i, e := range s.endpoints {
		names[i] = e.String()
	}
	query := "TLS handshakes from SSL 3.0 to TLS 1.3 and GET / at " + strings.Join(names, ", ")
	if s.cfg.Only != "" {
		query += " (" + s.cfg.Only + " only)"
	}
	return collect.Description{
		Kinds:       []string{kindEndpoint},
		Reads:       "What the named endpoints show to anybody who connects to them.",
		Permissions: []string{"outgoing TCP connections to the named endpoints", "name resolution"},
		Query:       query,
		Version:     "TLS 1.0 to 1.3, HTTP/1.1",
	}
}

// Collect implements collect.Source. An endpoint that does not answer was looked at all the same.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, kindEndpoint)
	results := make([]chan sight, len(s.endpoints))
	for i := range results {
		results[i] = make(chan sight, 1)
	}
	ctx, stop := context.WithCancel(ctx)
	var busy sync.WaitGroup
	defer func() {
		stop()
		busy.Wait()
	}()
	slots := make(chan struct{}, atOnce)
	busy.Go(func() {
		for i, e := range s.endpoints {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				results[i] <- sight{}
				continue
			}
			busy.Go(func() {
				results[i] <- s.look(ctx, e)
				<-slots
			})
		}
	})
	for i, e := range s.endpoints {
		saw := <-results[i]
		if err := ctx.Err(); err != nil { // what was not looked at must not pass for unreachable
			return out.Fail(err)
		}
		out.Raw(fmt.Appendf(nil, "%s\n%s\n", e, strings.Join(saw.log, "\n")))
		if err := out.Add(saw.resource(e)); err != nil {
			return out.Fail(err)
		}
	}
	return out.End()
}

// look has at most this long for one endpoint, with all its addresses.
func (s *Source) patience() time.Duration { return 9 * s.wait() }

func (s *Source) wait() time.Duration { return time.Duration(s.cfg.Timeout) * time.Second }
