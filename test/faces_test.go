// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cli"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/mcp"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/testkit"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"
)

// face calls an operation as its users do, and gives what they would get.
type face func(op string, in map[string]any, asOf time.Time) (map[string]any, error)

// faces are the ways in. Each opens as one actor; via is what the ledger calls it.
var faces = []struct {
	name, via string
	open      func(t *testing.T, h *testkit.House, a op.Actor) face
}{
	{"rest", "rest", overREST},
	{"cli", "cli", onCommandLine},
	{"cli remote", "rest", onRemoteCommandLine},
	{"mcp", "mcp", throughTools},
}

func TestOneStoryIsTheSameThroughEveryFace(t *testing.T) {
	testkit.Engines(t, throwaway.add, func(t *testing.T, h *testkit.House) {
		var first []string
		for _, f := range faces {
			t.Run(f.name, func(t *testing.T) {
				told := story(t, h, f.via, func(a op.Actor) face { return f.open(t, h, a) })
				if first == nil {
					first = told
				}
				if !slices.Equal(first, told) {
					t.Errorf("the story differs:\n%s\nfrom\n%s", strings.Join(told, "\n"), strings.Join(first, "\n"))
				}
			})
		}
	})
}

// story tells the life of a gadget and gives what was answered, without what differs by itself: ids and times.
func story(t *testing.T, h *testkit.House, via string, as func(op.Actor) face) []string {
	// A decision is made by a person on a page, whatever face the rest of the story goes through.
	page := func(a op.Actor) face {
		return func(name string, in map[string]any, _ time.Time) (map[string]any, error) {
			return op.Do[map[string]any](t.Context(), h.Gate, a, name, in, time.Time{})
		}
	}
	clicks, owner := page(testkit.As(op.Manager)), page(testkit.As(op.Owner))
	me, reader, stranger := as(testkit.As(op.Manager)), as(testkit.As(op.Reader)), as(testkit.Elsewhere(op.Manager))
	var told []string
	names := map[string]string{}
	tell := func(what string, out map[string]any, err error) map[string]any {
		t.Helper()
		line, _ := json.Marshal(out)
		if err != nil {
			line, _ = json.Marshal(errs.Public(err))
		}
		text := string(line)
		for id, n := range names {
			text = strings.ReplaceAll(text, id, n)
		}
		told = append(told, what+": "+text)
		return out
	}
	do := func(f face, name string, in map[string]any) map[string]any {
		t.Helper()
		out, err := f(name, in, time.Time{})
		if err != nil {
			t.Fatalf("%s %v: %v", name, in, err)
		}
		delete(out, "created_at")
		delete(out, "updated_at")
		delete(out, "when")
		return tell(name, out, nil)
	}
	refused := func(f face, name string, in map[string]any, want errs.Code, at string) {
		t.Helper()
		out, err := f(name, in, time.Time{})
		if e := errs.Public(err); err == nil || e.Code != want || e.Field != at {
			t.Errorf("%s %v: %v %v, want %s at %q", name, in, out, err, want, at)
		}
		tell(name, nil, err)
	}
	called := func(kind string, x map[string]any) string {
		names[x["id"].(string)] = kind
		told[len(told)-1] = strings.ReplaceAll(told[len(told)-1], x["id"].(string), kind)
		return x["id"].(string)
	}

	hold := called("HOLDER", do(me, "holder.create", map[string]any{"name": `A "quoted", name & <tag>`}))
	refused(me, "gadget.create", map[string]any{"title": "First", "size": 9, "colour": "red", "main": hold}, errs.Invalid, "size")
	refused(me, "gadget.create", map[string]any{"title": "First", "size": 3, "colour": "green", "main": hold}, errs.Invalid, "colour")
	refused(me, "gadget.create", map[string]any{"title": "First", "size": 3, "colour": "red", "main": "hol_none"}, errs.NotFound, "main")
	refused(reader, "gadget.create", map[string]any{"title": "First", "size": 3, "colour": "red", "main": hold}, errs.Denied, "")
	made := do(me, "gadget.create", map[string]any{"title": "First – ünïcode 表", "size": 3, "colour": "red", "main": hold, "others": []string{hold}, "ready": true, "due_on": "2026-04-01",
		"parts": []any{map[string]any{"name": "leg", "count": 4}}, "body": "Line one\nLine two, with a comma\n", "kind": "odd", "default": "x", "password": "not-a-real-one"})
	id := called("GADGET", made)
	if made["rev"] != 1.0 || made["state"] != "draft" || made["password"] != nil || made["body"] != "Line one\nLine two, with a comma\n" {
		t.Errorf("made: %v", made)
	}
	before := h.Clock.Now()
	h.Clock.Move(time.Minute)
	refused(me, "gadget.update", map[string]any{"id": id, "size": 4}, errs.Precond, "rev")
	do(me, "gadget.update", map[string]any{"id": id, "rev": 1, "size": 4, "ready": false, "others": []string{}})
	refused(me, "gadget.update", map[string]any{"id": id, "rev": 1, "size": 5}, errs.Conflict, "")
	refused(clicks, "gadget.approve", map[string]any{"id": id, "rev": 2}, errs.Conflict, "")
	do(me, "gadget.send", map[string]any{"id": id, "rev": 2})
	refused(clicks, "gadget.approve", map[string]any{"id": id, "rev": 3}, errs.Denied, "")
	do(owner, "gadget.approve", map[string]any{"id": id, "rev": 3})
	then, err := reader("gadget.get", map[string]any{"id": id}, before)
	if err != nil || then["size"] != 3.0 || then["ready"] != true || then["rev"] != 1.0 {
		t.Errorf("as of then: %v %v", then, err)
	}
	if _, err := me("gadget.send", map[string]any{"id": id, "rev": 4}, before); errs.Public(err).Field != "as_of" && !isFlag(err) {
		t.Errorf("the past was changed: %v", err)
	}
	l := do(reader, "gadget.list", map[string]any{"kind": "odd", "colour": "red", "ready": false, "sort": "-size", "limit": 1})
	if rows := l["data"].([]any); len(rows) != 1 {
		t.Errorf("list: %v", l)
	}
	told = told[:len(told)-1] // it holds times
	links := do(me, "holder.links", map[string]any{"id": hold})
	if n := len(links["data"].([]any)); n != 1 {
		t.Errorf("%d links: %v", n, links)
	}
	history := do(reader, "gadget.history", map[string]any{"id": id})
	told = told[:len(told)-1]
	entries := history["data"].([]any)
	if len(entries) != 4 || entries[0].(map[string]any)["op"] != "gadget.approve" || entries[1].(map[string]any)["via"] != via || entries[0].(map[string]any)["actor"] != "usr_owner" {
		t.Errorf("history: %v", entries)
	}
	refused(stranger, "gadget.get", map[string]any{"id": id}, errs.NotFound, "")
	refused(stranger, "gadget.end", map[string]any{"id": id, "rev": 4}, errs.NotFound, "")
	refused(me, "gadget.end", map[string]any{"id": id, "rev": 4}, errs.Conflict, "")
	second := called("SECOND", do(me, "holder.create", map[string]any{"name": "Another"}))
	do(me, "holder.end", map[string]any{"id": second, "rev": 1})
	refused(me, "holder.get", map[string]any{"id": second}, errs.NotFound, "")
	return told
}

// isFlag says whether the command line had no flag for what was asked: it refuses earlier than the others.
func isFlag(err error) bool { return err != nil && strings.Contains(err.Error(), "--as-of") }

// listed puts a list into an object, as some faces do, so that all can be compared.
func listed(raw []byte) (map[string]any, error) {
	out := map[string]any{}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		return out, nil
	}
	if raw[0] == '[' {
		raw = slices.Concat([]byte(`{"data":`), raw, []byte(`}`))
	}
	return out, json.Unmarshal(raw, &out)
}

func overREST(_ *testing.T, h *testkit.House, a op.Actor) face {
	s := rest.Handler(h.Gate, func(*http.Request) (op.Actor, error) { return a, nil }, rest.Options{})
	return func(name string, in map[string]any, asOf time.Time) (map[string]any, error) {
		method, path := h.Set.Find(name).Route()
		query, body := url.Values{}, map[string]any{}
		for n, v := range in {
			switch {
			case n == "id" && strings.Contains(path, "{id}"):
				path = strings.Replace(path, "{id}", url.PathEscape(fmt.Sprint(v)), 1)
			case method == "GET":
				query.Set(n, fmt.Sprint(v))
			default:
				body[n] = v
			}
		}
		if !asOf.IsZero() {
			query.Set("as_of", clock.Format(asOf))
		}
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r := httptest.NewRequest(method, path+"?"+query.Encode(), bytes.NewReader(b))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		out, err := listed(w.Body.Bytes())
		if w.Code >= 400 {
			e := &errs.Error{}
			e.Code = errs.Code(fmt.Sprint(out["code"]))
			e.Text, _ = out["detail"].(string)
			e.Field, _ = out["field"].(string)
			e.Fix, _ = out["fix"].(string)
			return nil, e
		}
		return out, err
	}
}

func onCommandLine(_ *testing.T, h *testkit.House, a op.Actor) face {
	return commandLine(h, cli.Local{Gate: h.Gate, Actor: a})
}

func onRemoteCommandLine(t *testing.T, h *testkit.House, a op.Actor) face {
	srv := httptest.NewServer(rest.Handler(h.Gate, func(r *http.Request) (op.Actor, error) {
		if r.Header.Get("Authorization") != "Bearer sesame" {
			return op.Actor{}, errs.New(errs.Unsigned, "you are not signed in")
		}
		return a, nil
	}, rest.Options{}))
	t.Cleanup(srv.Close)
	c, err := cli.Remote(h.Set, srv.URL, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	return commandLine(h, c)
}

// commandLine writes input as flags, as a person would.
func commandLine(h *testkit.House, c cli.Caller) face {
	return func(name string, in map[string]any, asOf time.Time) (map[string]any, error) {
		o := h.Set.Find(name)
		args := []string{o.Kind, o.Verb, "--json"}
		for n, v := range in {
			text := fmt.Sprint(v)
			switch x := v.(type) {
			case []string:
				text = strings.Join(x, ",")
			case []any:
				b, err := json.Marshal(x)
				if err != nil {
					return nil, err
				}
				text = string(b)
			}
			args = append(args, "--"+cli.FlagName(n)+"="+text)
		}
		if !asOf.IsZero() {
			args = append(args, "--as-of", clock.Format(asOf))
		}
		var out, errOut bytes.Buffer
		root := &cobra.Command{Use: "assay", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(cli.Commands(c, h.Set, &out, &errOut)...)
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			return nil, err
		}
		if o.Writes != strings.HasPrefix(errOut.String(), "ledger entry ") {
			return nil, fmt.Errorf("%s said %q", name, errOut.String())
		}
		return listed(out.Bytes())
	}
}

func throughTools(t *testing.T, h *testkit.House, a op.Actor) face {
	ours, theirs := sdk.NewInMemoryTransports()
	s, err := mcp.Server(h.Gate, func(context.Context) op.Actor { return a }).Connect(t.Context(), ours, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Wait() })
	return func(name string, in map[string]any, asOf time.Time) (map[string]any, error) {
		tool, args := mcp.Arguments(h.Set, name, in)
		if !asOf.IsZero() {
			args["as_of"] = clock.Format(asOf)
		}
		r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(r.StructuredContent)
		if err != nil {
			return nil, err
		}
		if r.IsError {
			e := &errs.Error{}
			if err := json.Unmarshal(raw, e); err != nil {
				return nil, err
			}
			return nil, e
		}
		return listed(raw)
	}
}
