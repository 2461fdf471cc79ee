// SPDX-License-Identifier: Apache-2.0

package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/mcp"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A widget is the throwaway kind of these tests.
type widget struct {
	kind.Meta
	Title string `json:"title" doc:"What it is called." min:"3"`
	Size  int    `json:"size" doc:"How large it is." min:"1" max:"5" index:""`
	State state  `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
}

type state string

func (state) Values() []string { return []string{"draft", "approved"} }

func add(s *op.Set) {
	op.Kind(s, kind.Kind[widget]{Name: "widget", Plural: "widgets", Prefix: "wid", Doc: "A widget is for tests.", Object: "risks", Label: "title",
		Moves: []kind.Move{{Verb: "approve", Doc: "Approve a widget.", From: []string{"draft"}, To: "approved", Act: "approve"}}})
}

func many(s *op.Set) {
	add(s)
	for i := range 40 {
		op.Query(s, op.Spec{Name: fmt.Sprintf("widget.count_%d", i), Doc: "Count.", Object: "risks", Act: "view"},
			func(context.Context, *store.View, struct{}) ([]int64, error) { return []int64{int64(i)}, nil })
	}
}

func connect(t *testing.T, h *testkit.House, a op.Actor) *sdk.ClientSession {
	t.Helper()
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
	return c
}

func use(t *testing.T, c *sdk.ClientSession, tool, args string) (map[string]any, *sdk.CallToolResult) {
	t.Helper()
	r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: json.RawMessage(args)})
	if err != nil {
		t.Fatalf("%s %s: %v", tool, args, err)
	}
	m, _ := r.StructuredContent.(map[string]any)
	return m, r
}

func TestAThingLivesThroughTools(t *testing.T) {
	c := connect(t, testkit.SQLite(t, add), testkit.As(op.Manager))
	w, r := use(t, c, "create", `{"kind":"widget","fields":{"title":"First","size":3},"key":"k"}`)
	id, _ := w["id"].(string)
	if id == "" || r.IsError || r.Meta["assay.example.com/ledger_entry"] != 0.0 {
		t.Fatalf("create: %v %+v", w, r)
	}
	if again, _ := use(t, c, "create", `{"kind":"widget","fields":{"title":"First","size":3},"key":"k"}`); again["id"] != id {
		t.Errorf("the same key again: %v", again)
	}
	if w, _ := use(t, c, "update", `{"kind":"widget","id":"`+id+`","rev":1,"fields":{"size":4}}`); w["size"] != 4.0 {
		t.Errorf("update: %v", w)
	}
	if l, _ := use(t, c, "find", `{"kind":"widget","where":{"size":4}}`); len(l["data"].([]any)) != 1 {
		t.Errorf("find: %v", l)
	}
	if w, r := use(t, c, "widget_approve", `{"id":"`+id+`","rev":2}`); !r.IsError || w["code"] != "denied" {
		t.Errorf("a tool approved: %v", w)
	}
	if l, _ := use(t, c, "history", `{"kind":"widget","id":"`+id+`"}`); len(l["data"].([]any)) != 2 || l["data"].([]any)[0].(map[string]any)["via"] != "mcp" {
		t.Errorf("history: %v", l)
	}
	if _, r := use(t, c, "get", `{"kind":"widget","id":"`+id+`","as_of":"2026-03-05"}`); !r.IsError {
		t.Error("it was there before it was made")
	}
	if _, r := use(t, c, "end", `{"kind":"widget","id":"`+id+`","rev":2}`); r.IsError {
		t.Errorf("end: %+v", r)
	}
}

func TestAWrongCallTellsTheModelWhatToDo(t *testing.T) {
	c := connect(t, testkit.SQLite(t, add), testkit.As(op.Manager))
	for _, x := range []struct{ tool, args, field, says string }{
		{"create", `{"kind":"widget","fields":{"title":"First","size":9}}`, "size", "must be at most 5"},
		{"create", `{"kind":"widget","fields":{"title":"First","size":3,"hue":1}}`, "hue", "the fields are title, size"},
		{"create", `{"kind":"gadget","fields":{}}`, "kind", "call describe"},
		{"create", `{"kind":"widget","title":"First"}`, "title", "the arguments are"},
		{"create", `{"kind":"widget","fields":[]}`, "fields", "wants an object"},
		{"update", `{"kind":"widget","id":"wid_1","fields":{"size":3}}`, "rev", "is required"},
		{"update", `{"kind":"widget","id":"wid_1","rev":1,"fields":{"id":"wid_2"}}`, "id", "given twice"},
		{"get", `{"kind":"widget","id":"wid_1"}`, "", "there is no widget wid_1"},
		{"get", `{"kind":"widget","id":"wid_1","as_of":"soon"}`, "as_of", "is not a valid time"},
		{"describe", `{"kind":"gadget"}`, "kind", "there is no kind"},
		{"describe", `{"knd":"gadget"}`, "knd", "there is no such argument"},
	} {
		e, r := use(t, c, x.tool, x.args)
		text := r.Content[0].(*sdk.TextContent).Text
		if field, _ := e["field"].(string); !r.IsError || field != x.field || !strings.Contains(text, x.says) {
			t.Errorf("%s %s: %s (%v)", x.tool, x.args, text, e)
		}
	}
}

func TestToolsStayFew(t *testing.T) {
	for name, set := range map[string]func(*op.Set){"widget_approve": add, "ask": many} {
		c := connect(t, testkit.SQLite(t, set), testkit.As(op.Manager))
		l, err := c.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, x := range l.Tools {
			found = found || x.Name == name
			if reads := !slices.Contains([]string{"create", "update", "end", "run", "widget_approve"}, x.Name); x.Annotations.ReadOnlyHint != reads {
				t.Errorf("%s: read-only hint %v", x.Name, x.Annotations.ReadOnlyHint)
			}
		}
		if len(l.Tools) > 40 || !found {
			t.Errorf("%d tools, %s %v", len(l.Tools), name, found)
		}
	}
	c := connect(t, testkit.SQLite(t, many), testkit.As(op.Manager))
	if x, _ := use(t, c, "ask", `{"operation":"widget.count_7"}`); fmt.Sprint(x["data"]) != "[7]" {
		t.Errorf("ask: %v", x)
	}
	if _, r := use(t, c, "ask", `{"operation":"widget.approve","input":{}}`); !r.IsError {
		t.Error("a tool that reads did something")
	}
}

func TestDescribeTellsWhatTheCallerMayDo(t *testing.T) {
	h := testkit.SQLite(t, add)
	x, _ := use(t, connect(t, h, testkit.As(op.Reader)), "describe", `{}`)
	if got := fmt.Sprint(x["kinds"]); !strings.Contains(got, "you_may:list, get, history, links]") {
		t.Error(got)
	}
	x, _ = use(t, connect(t, h, testkit.As(op.Manager)), "describe", `{"kind":"widget"}`)
	if len(x["operations"].([]any)) != 7 || x["fields"].(map[string]any)["size"] == nil || len(x["moves"].([]any)) != 1 {
		t.Errorf("%v", x)
	}
	if _, r := use(t, connect(t, h, op.Actor{}), "describe", `{}`); !r.IsError {
		t.Error("a stranger was told")
	}
}

func TestOverHTTPTheCallerIsKnownAndOtherSitesAreRefused(t *testing.T) {
	h := testkit.SQLite(t, add)
	srv := httptest.NewServer(mcp.HTTPHandler(h.Gate, func(r *http.Request) (op.Actor, error) {
		role, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return op.Actor{}, errs.New(errs.Unsigned, "you are not signed in")
		}
		return testkit.As(op.Role(role)), nil
	}))
	defer srv.Close()
	post := func(args string, head ...string) (int, string) {
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create","arguments":` + args + `}}`
		r, err := http.NewRequest("POST", srv.URL+"/mcp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Authorization", "Bearer manager")
		for i := 0; i < len(head); i += 2 {
			if head[i] == "Host" {
				r.Host = head[i+1]
			}
			r.Header.Set(head[i], head[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	good := `{"kind":"widget","fields":{"title":"First","size":3}}`
	if code, body := post(good); code != 200 || !strings.Contains(body, `"created_by":"usr_manager"`) {
		t.Errorf("manager: %d %s", code, body)
	}
	if code, body := post(good, "Origin", srv.URL); code != 200 {
		t.Errorf("own site: %d %s", code, body)
	}
	if code, body := post(good, "Authorization", "Bearer reader"); code != 200 || !strings.Contains(body, `"isError":true`) {
		t.Errorf("reader: %d %s", code, body)
	}
	for _, head := range [][]string{{"Origin", "https://evil.example.com"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Host", "evil.example.com"}} {
		if code, _ := post(good, head...); code != 403 {
			t.Errorf("%v: %d", head, code)
		}
	}
	if code, _ := post(good, "Authorization", ""); code != 401 {
		t.Errorf("nobody: %d", code)
	}
	l, err := h.Gate.Call(t.Context(), testkit.As(op.Manager), op.Call{Op: "widget.list"})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(l.Out.(json.RawMessage)), `"title"`); n != 2 {
		t.Errorf("%d widgets, want those of the two good calls", n)
	}
}
