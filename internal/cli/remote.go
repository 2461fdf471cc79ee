// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/id"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// How often a request is sent at the most, and how much of an answer is read.
const (
	attempts  = 5
	maxAnswer = 64 << 20
)

// remote calls operations on a server over REST.
type remote struct {
	set    *op.Set
	base   string
	token  string
	client *http.Client
	pause  func(context.Context, time.Duration) error
}

// Remote calls operations on a server. A request that may be repeated is repeated when the server says
// "not now" or cannot be reached; writes carry an Idempotency-Key, so that they are carried out once.
func Remote(set *op.Set, server, token string) (Caller, error) {
	u, err := url.Parse(strings.TrimSuffix(server, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, errs.At("--server", "%q is not the address of a server", server).Mend("write it as https://assay.example.com")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && token != "" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errs.At("--server", "a token is not sent over a connection that others can read").Mend("use https")
	}
	return &remote{set: set, base: u.String(), token: token, pause: pause,
		client: &http.Client{Timeout: 10 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call sends a call to the server.
func (r *remote) Call(ctx context.Context, c op.Call) (op.Answer, error) {
	o := r.set.Find(c.Op)
	if o == nil {
		return op.Answer{}, errs.New(errs.NotFound, "there is no operation %s", c.Op)
	}
	if c.Key == "" && o.Writes {
		c.Key = id.Source{}.Token()
	}
	q, err := r.request(o, c)
	if err != nil {
		return op.Answer{Op: o}, err
	}
	wait := 200 * time.Millisecond
	for n := 1; ; n++ {
		ans, after, err := r.once(ctx, o, q)
		if err == nil || n == attempts || ctx.Err() != nil || !errors.Is(err, errs.Unavailable) {
			return ans, err
		}
		if err := r.pause(ctx, max(wait, min(after, 30*time.Second))); err != nil {
			return ans, err
		}
		wait *= 2
	}
}

// sent is a request that can be sent more than once.
type sent struct {
	method, url string
	body        []byte
	key         string
}

// request places a call at its route: the id in the address, the rest in the query of a read or the body.
func (r *remote) request(o *op.Op, c op.Call) (sent, error) {
	method, path := o.Route()
	in := c.In
	if len(bytes.TrimSpace(in)) == 0 {
		in = json.RawMessage(`{}`)
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(in, &named); err != nil {
		return sent{}, errs.New(errs.Invalid, "the input is not a JSON object").Because(err)
	}
	if strings.Contains(path, "{id}") {
		var thing string
		if json.Unmarshal(named["id"], &thing) != nil || thing == "" || thing == "." || thing == ".." {
			return sent{}, errs.At("id", "is required")
		}
		path = strings.Replace(path, "{id}", url.PathEscape(thing), 1)
		delete(named, "id")
	}
	query := url.Values{}
	s := sent{method: method, key: c.Key}
	if method == http.MethodGet {
		for n, v := range named {
			text, err := parameter(o, n, v)
			if err != nil {
				return s, err
			}
			query.Set(n, text)
		}
	} else {
		var err error
		if s.body, err = json.Marshal(named); err != nil {
			return s, fmt.Errorf("encode body: %w", err)
		}
	}
	if c.Day != "" { // the server knows in which time zone a day ends
		query.Set("as_of", c.Day)
	} else if !c.AsOf.IsZero() {
		query.Set("as_of", c.AsOf.Format(time.RFC3339Nano))
	}
	if s.url = r.base + path; len(query) > 0 {
		s.url += "?" + query.Encode()
	}
	return s, nil
}

// parameter writes a value as a text that the server reads back to the same value.
func parameter(o *op.Op, name string, v json.RawMessage) (string, error) {
	i := slices.IndexFunc(o.In, func(f kind.Field) bool { return f.Name == name })
	if i < 0 {
		return string(v), nil // the server refuses it by name
	}
	var s string
	if o.In[i].Type == "string" && json.Unmarshal(v, &s) == nil {
		return s, nil
	}
	if o.In[i].Type != "array" || !o.In[i].Plain() {
		return string(v), nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(v, &list); err != nil {
		return "", errs.At(name, "wants a list")
	}
	parts := make([]string, len(list))
	for j, x := range list {
		parts[j] = string(x)
		if json.Unmarshal(x, &s) == nil {
			parts[j] = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
	}
	return strings.Join(parts, ","), nil
}

// once sends a request and reads the answer. The duration is how long the server wants to be left alone.
func (r *remote) once(ctx context.Context, o *op.Op, s sent) (op.Answer, time.Duration, error) {
	ans := op.Answer{Op: o}
	var body io.Reader
	if s.body != nil {
		body = bytes.NewReader(s.body)
	}
	q, err := http.NewRequestWithContext(ctx, s.method, s.url, body)
	if err != nil {
		return ans, 0, errs.At("--server", "the address cannot be used").Because(err)
	}
	q.Header.Set("Accept", "application/json")
	if s.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		q.Header.Set("Authorization", "Bearer "+r.token)
	}
	if s.key != "" && o.Writes {
		q.Header.Set("Idempotency-Key", s.key)
	}
	resp, err := r.client.Do(q)
	if err != nil {
		return ans, 0, r.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return ans, 0, r.unreachable(ctx, err)
	}
	if len(b) > maxAnswer {
		return ans, 0, errs.New(errs.Invalid, "the answer is larger than %d bytes", maxAnswer).Mend("ask for less, with --limit")
	}
	if resp.StatusCode >= 300 {
		secs, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // none is 0
		return ans, time.Duration(secs) * time.Second, refused(resp, b)
	}
	if resp.StatusCode == http.StatusNoContent {
		b = []byte(`{}`)
	}
	if !json.Valid(b) {
		return ans, 0, stranger(resp)
	}
	ans.Out, ans.Replay = json.RawMessage(b), resp.Header.Get("Idempotency-Replayed") == "true"
	if n, err := strconv.ParseInt(resp.Header.Get("Assay-Ledger-Entry"), 10, 64); err == nil {
		ans.Receipt = &store.Receipt{Seq: n, First: n, Count: 1, Leaf: resp.Header.Get("Assay-Ledger-Leaf")}
	}
	return ans, 0, nil
}

func (r *remote) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.New(errs.Unavailable, "cannot reach %s", r.base).Because(err).Mend("check the address, and that the server runs")
}

// refused turns a problem back into the error that it was.
func refused(resp *http.Response, b []byte) error {
	var p struct {
		Detail string    `json:"detail"`
		Code   errs.Code `json:"code"`
		Field  string    `json:"field"`
		Fix    string    `json:"fix"`
		Errors []struct {
			Detail string `json:"detail"`
			Field  string `json:"field"`
			Fix    string `json:"fix"`
		} `json:"errors"`
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(b, &p) != nil || p.Code == "" {
		return stranger(resp)
	}
	out := &errs.Error{Code: p.Code, Text: p.Detail, Field: p.Field, Fix: p.Fix}
	for i, x := range p.Errors {
		if i > 0 { // the first is the problem itself
			out.Also = append(out.Also, &errs.Error{Code: p.Code, Text: x.Detail, Field: x.Field, Fix: x.Fix})
		}
	}
	return out
}

// stranger is the error for an answer that is none of ours: a proxy's, or another program's.
func stranger(resp *http.Response) error {
	code := errs.Invalid
	if resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusGatewayTimeout {
		code = errs.Unavailable
	}
	return errs.New(code, "what answers there is not Assay (%s)", resp.Status).Mend("check --server")
}
