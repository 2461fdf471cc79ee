// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/blob"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A widget is the throwaway kind of these tests.
type widget struct {
	kind.Meta
	Title  string      `json:"title" doc:"What it is called." min:"3" list:""`
	Size   int         `json:"size" doc:"How large it is." min:"1" max:"5" index:""`
	Ready  bool        `json:"ready" doc:"Whether it is ready." index:""`
	Friend string      `json:"friend" doc:"The widget beside it." ref:"widget" index:""`
	Tags   []string    `json:"tags" doc:"Words." max:"3"`
	Photo  kind.SHA256 `json:"photo" doc:"Its picture."`
	State  state       `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
}

type state string

func (state) Values() []string { return []string{"draft", "approved"} }

var widgets = kind.Kind[widget]{Name: "widget", Plural: "widgets", Prefix: "wid", Doc: "A widget is for tests.", Object: "risks", Label: "title",
	Moves: []kind.Move{{Verb: "approve", Doc: "Approve a widget.", From: []string{"draft"}, To: "approved", Act: "approve"}}}

type sumIn struct {
	Sizes []int64  `json:"sizes" doc:"Numbers."`
	Names []string `json:"names" doc:"Texts."`
	Deep  struct {
		A int64 `json:"a" doc:"A number."`
	} `json:"deep" doc:"An object."`
}

func add(s *op.Set) {
	op.Kind(s, widgets)
	op.Query(s, op.Spec{Name: "widget.sum", Doc: "Give back what was asked.", Object: "risks", Act: "view"},
		func(_ context.Context, _ *store.View, in sumIn) (sumIn, error) { return in, nil })
	op.Query(s, op.Spec{Name: "widget.crash", Doc: "Panic.", Object: "risks", Act: "view"},
		func(context.Context, *store.View, struct{}) (sumIn, error) { panic("a fault on purpose") })
	op.Query(s, op.Spec{Name: "widget.fault", Doc: "Fail.", Object: "risks", Act: "view"},
		func(context.Context, *store.View, struct{}) (sumIn, error) {
			return sumIn{}, errors.New("the secret cause")
		})
}

func who(r *http.Request) (op.Actor, error) {
	switch role := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); role {
	case "":
		return op.Actor{}, errs.New(errs.Unsigned, "you are not signed in").Mend("send a token")
	case "elsewhere":
		return testkit.Elsewhere(op.Manager), nil
	default:
		return testkit.As(op.Role(role)), nil
	}
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// ask sends a request; head is name, value, name, value.
func ask(t *testing.T, h http.Handler, method, path, body string, head ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer manager")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Body)
	out := reply{status: w.Code, header: w.Header(), text: string(b)}
	json.Unmarshal(b, &out.body)
	return out
}

func handler(h *testkit.House) http.Handler {
	return rest.Handler(h.Gate, who, rest.Options{Version: "test"})
}

func TestAThingLivesThroughHTTP(t *testing.T) {
	h := testkit.SQLite(t, add)
	s := handler(h)
	made := ask(t, s, "POST", "/v1/widgets", `{"title":"First","size":3}`, "Idempotency-Key", "k1")
	id, _ := made.body["id"].(string)
	if made.status != 201 || made.header.Get("Location") != "/v1/widgets/"+id || made.header.Get("ETag") != `"1"` ||
		made.header.Get("Assay-Ledger-Entry") != "0" || len(made.header.Get("Assay-Ledger-Leaf")) != 64 {
		t.Fatalf("create: %+v", made)
	}
	again := ask(t, s, "POST", "/v1/widgets", `{"title":"First","size":3}`, "Idempotency-Key", "k1")
	if again.status != 201 || again.body["id"] != id || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Assay-Ledger-Leaf") != made.header.Get("Assay-Ledger-Leaf") {
		t.Errorf("the same key again: %+v", again)
	}
	at := "/v1/widgets/" + id
	for _, c := range []struct {
		method, path, body string
		head               []string
		want               int
	}{
		{"GET", at, "", nil, 200},
		{"HEAD", at, "", nil, 200},
		{"GET", at, "", []string{"If-None-Match", `"1"`}, 304},
		{"GET", at, "", []string{"If-None-Match", `W/"2", "1"`}, 304},
		{"GET", at, "", []string{"If-None-Match", `"2"`}, 200},
		{"GET", at + "?as_of=2026-03-05", "", nil, 404},
		{"GET", at + "?as_of=2026-03-06", "", nil, 200},
		{"PATCH", at, `{"size":4}`, nil, 428},
		{"PATCH", at, `{"size":4}`, []string{"If-Match", `"7"`}, 412},
		{"PATCH", at, `{"size":4,"rev":7}`, nil, 409},
		{"PATCH", at, `{"size":4,"rev":2}`, []string{"If-Match", `"1"`}, 422},
		{"PATCH", at, `{"size":4}`, []string{"If-Match", `*`}, 422},
		{"PATCH", at, `{"size":4}`, []string{"If-Match", `W/"1"`}, 422},
		{"PATCH", at, `{"size":4,"id":"wid_other"}`, []string{"If-Match", `"1"`}, 422},
		{"PATCH", at, `{"size":4,"rev":1}`, []string{"If-Match", `"1"`}, 200},
		{"POST", at + "/approve", "", []string{"If-Match", `"2"`}, 200},
		{"POST", at + "/approve", "", []string{"If-Match", `"3"`}, 409},
		{"GET", at + "/history", "", nil, 200},
		{"GET", at + "/links", "", nil, 200},
		{"DELETE", at, "", []string{"If-Match", `"3"`}, 204},
		{"GET", at, "", nil, 404},
	} {
		if got := ask(t, s, c.method, c.path, c.body, c.head...); got.status != c.want {
			t.Errorf("%s %s %s %v: %d, want %d: %s", c.method, c.path, c.body, c.head, got.status, c.want, got.text)
		}
	}
}

func TestARequestThatIsNotUnderstoodIsRefusedByName(t *testing.T) {
	s := handler(testkit.SQLite(t, add))
	for _, c := range []struct {
		method, path, body string
		head               []string
		want               int
		field              string
	}{
		{"GET", "/v1/widgets?colour=red", "", nil, 422, "colour"},
		{"GET", "/v1/widgets?size=3&size=4", "", nil, 422, "size"},
		{"GET", "/v1/widgets?size=large", "", nil, 422, "size"},
		{"GET", "/v1/widgets?ready=yes", "", nil, 422, "ready"},
		{"GET", "/v1/widgets?state=lost", "", nil, 422, "state"},
		{"GET", "/v1/widgets?title=First", "", nil, 422, "title"},
		{"GET", "/v1/widgets?limit=0", "", nil, 422, "limit"},
		{"GET", "/v1/widgets?after=%21", "", nil, 422, "after"},
		{"GET", "/v1/widgets?as_of=2027-01-01", "", nil, 422, "as_of"},
		{"GET", "/v1/widgets?as_of=", "", nil, 422, "as_of"},
		{"GET", "/v1/widgets?a=%ZZ", "", nil, 400, ""},
		{"GET", "/v1/widgets?friend=%ff", "", nil, 422, "friend"},
		{"GET", "/v1/widgets", "", []string{"If-Match", `"1"`}, 422, "If-Match"},
		{"GET", "/v1/widgets/wid_1?id=wid_2", "", nil, 422, "id"},
		{"POST", "/v1/widgets?as_of=2026-03-05", `{"title":"First","size":3}`, nil, 422, "as_of"},
		{"POST", "/v1/widgets?size=3", `{"title":"First"}`, nil, 422, "size"},
		{"POST", "/v1/widgets", `{"title":"First","size":3,"colour":"red"}`, nil, 422, "colour"},
		{"POST", "/v1/widgets", `{"title":"First","size":3,"friend":"wid_no"}`, nil, 404, "friend"},
		{"POST", "/v1/widgets", `{"title":"First`, nil, 400, ""},
		{"POST", "/v1/widgets", "{\"title\":\"First\xff\",\"size\":3}", nil, 400, ""},
		{"POST", "/v1/widgets", `{"title":"First","size":3}`, []string{"Content-Type", "text/plain"}, 415, ""},
		{"POST", "/v1/widgets", `{"title":"First","size":3}`, []string{"Content-Encoding", "gzip"}, 415, ""},
		{"POST", "/v1/widgets", `{"title":"` + strings.Repeat("a", op.MaxInput) + `"}`, nil, 413, ""},
		{"POST", "/v1/widgets", `{"title":"First","size":3}`, []string{"Idempotency-Key", strings.Repeat("k", 201)}, 422, "idempotency_key"},
		{"POST", "/v1/widgets", `{"title":"First","size":3}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"POST", "/v1/widgets", `{"title":"First","size":3}`, []string{"Authorization", "Bearer reader"}, 403, ""},
		{"GET", "/v1/widgets", "", []string{"Authorization", ""}, 401, ""},
		{"PUT", "/v1/widgets", `{}`, nil, 405, ""},
		{"GET", "/v1/gadgets", "", nil, 404, ""},
		{"GET", "/", "", nil, 404, ""},
		{"GET", "/v1/widgets/crash", "", nil, 500, ""},
		{"GET", "/v1/widgets/fault", "", nil, 500, ""},
	} {
		got := ask(t, s, c.method, c.path, c.body, c.head...)
		field, _ := got.body["field"].(string)
		if got.status != c.want || field != c.field {
			t.Errorf("%s %s %.60s %v: %d %q, want %d %q: %s", c.method, c.path, c.body, c.head, got.status, field, c.want, c.field, got.text)
		}
		if got.header.Get("Content-Type") != "application/problem+json" || got.body["status"] != float64(c.want) || got.body["request_id"] == "" || got.body["detail"] == "" ||
			got.body["request_id"] != got.header.Get("X-Request-Id") || strings.Contains(got.text, "secret cause") || strings.Contains(got.text, "on purpose") {
			t.Errorf("%s %s: not a problem: %s", c.method, c.path, got.text)
		}
		if c.want == 401 && got.header.Get("WWW-Authenticate") == "" || c.want == 405 && got.header.Get("Allow") != "GET, HEAD, OPTIONS, POST" {
			t.Errorf("%s %s: %v", c.method, c.path, got.header)
		}
	}
}

func TestParametersAreReadByTheirTypes(t *testing.T) {
	s := handler(testkit.SQLite(t, add))
	got := ask(t, s, "GET", "/v1/widgets/sum?sizes=1,2&names=a,b&deep=%7B%22a%22:3%7D", "")
	if got.status != 200 || got.text != `{"sizes":[1,2],"names":["a","b"],"deep":{"a":3}}` {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestAFileComesBackAsItWasBrought(t *testing.T) {
	h := testkit.SQLite(t, add)
	dir := t.TempDir()
	h.Gate.Files = func(org string) (blob.Store, error) { return blob.OpenFolder(filepath.Join(dir, org)) }
	s := handler(h)
	up := ask(t, s, "POST", "/v1/files", "<script>alert(1)</script>", "Content-Type", "text/html")
	sha, _ := up.body["sha256"].(string)
	if up.status != 201 || len(sha) != 64 || up.body["size"] != 25.0 {
		t.Fatalf("%+v", up)
	}
	made := ask(t, s, "POST", "/v1/widgets", `{"title":"First","size":3,"photo":"`+sha+`"}`)
	at := made.header.Get("Location") + "/photo"
	got := ask(t, s, "GET", at, "")
	if got.status != 200 || got.text != "<script>alert(1)</script>" || got.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		method, path string
		head         []string
		want         int
	}{
		{"GET", at, []string{"Authorization", "Bearer elsewhere"}, 404},
		{"GET", at, []string{"Authorization", ""}, 401},
		{"POST", "/v1/files", []string{"Authorization", ""}, 401},
		{"POST", "/v1/files", []string{"Authorization", "Bearer prospect"}, 403},
		{"POST", "/v1/files", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/v1/files", nil, 405},
		{"DELETE", at, nil, 405},
		{"GET", "/v1/widgets/wid_none/photo", nil, 404},
	} {
		if got := ask(t, s, c.method, c.path, "", c.head...); got.status != c.want || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %v: %d, want %d", c.method, c.path, c.head, got.status, c.want)
		}
	}
}

func TestAListGoesOnByItsLink(t *testing.T) {
	s := handler(testkit.SQLite(t, add))
	for range 5 {
		ask(t, s, "POST", "/v1/widgets", `{"title":"First","size":3}`)
	}
	seen, path := 0, "/v1/widgets?limit=2&size=3"
	for path != "" {
		got := ask(t, s, "GET", path, "")
		if got.status != 200 {
			t.Fatalf("%s: %s", path, got.text)
		}
		seen += len(got.body["data"].([]any))
		link := got.header.Get("Link")
		if (link == "") != (got.body["next"] == nil) {
			t.Fatalf("link %q, next %v", link, got.body["next"])
		}
		path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
	}
	if seen != 5 {
		t.Errorf("%d of 5", seen)
	}
}

func TestABudgetSaysWhenItIsFreshAgain(t *testing.T) {
	h := testkit.SQLite(t, add)
	h.Gate.PerMinute = 1
	s := handler(h)
	ask(t, s, "GET", "/v1/widgets", "")
	if got := ask(t, s, "GET", "/v1/widgets", ""); got.status != 429 || got.header.Get("Retry-After") != "61" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	h := testkit.SQLite(t, add)
	s := handler(h)
	ask(t, s, "GET", "/v1/widgets", "")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/openapi.json": 200, "/metrics": 404} {
		if got := ask(t, s, "GET", path, "", "Authorization", ""); got.status != want {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	all := rest.Handler(h.Gate, who, rest.Options{Metrics: func(*http.Request) bool { return true }, Ready: func(context.Context) error { return errors.New("no") }})
	ask(t, all, "GET", "/v1/widgets", "")
	if got := ask(t, all, "GET", "/metrics", ""); !strings.Contains(got.text, `assay_request_seconds_count{op="widget.list",status="200"} 1`) {
		t.Errorf("metrics: %s", got.text)
	}
	if got := ask(t, all, "GET", "/readyz", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("ready: %d", got.status)
	}
}
