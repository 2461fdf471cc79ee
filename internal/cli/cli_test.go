// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"assay/internal/cli"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/testkit"
	"github.com/spf13/cobra"
)

// A big_widget is the throwaway kind of these tests.
type widget struct {
	kind.Meta
	Title  string   `json:"title" doc:"What it is called." min:"3" list:""`
	Size   int      `json:"size" doc:"How large it is." min:"1" max:"5000" list:"" index:""`
	Colour colour   `json:"colour" doc:"Its colour." optional:"" index:""`
	Ready  bool     `json:"ready" doc:"Whether it is ready."`
	Friend string   `json:"friend" doc:"The widget beside it." ref:"big_widget"`
	Tags   []string `json:"tags" doc:"Words."`
	Parts  []part   `json:"parts" doc:"Its parts."`
	Story  string   `json:"story" doc:"All about it." long:""`
	JSON   string   `json:"json" doc:"A field with the name of a flag."`
}

type part struct {
	Name  string `json:"name" doc:"Its name." min:"1"`
	Count int    `json:"count" doc:"How many." min:"0"`
}

type colour string

func (colour) Values() []string { return []string{"red", "blue"} }

func add(s *op.Set) {
	op.Kind(s, kind.Kind[widget]{Name: "big_widget", Plural: "big widgets", Prefix: "wid", Doc: "A widget is for tests.", Object: "risks", Label: "title"})
}

type ran struct {
	out, errOut string
	code        int
}

// run runs a command line.
func run(c cli.Caller, set *op.Set, stdin string, args ...string) ran {
	var out, errOut bytes.Buffer
	root := &cobra.Command{Use: "assay", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cli.Commands(c, set, &out, &errOut)...)
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	code := cli.Fail(&errOut, root.Execute())
	return ran{out.String(), errOut.String(), code}
}

func local(h *testkit.House) cli.Caller {
	return cli.Local{Gate: h.Gate, Actor: testkit.As(op.Manager)}
}

func TestAThingLivesThroughTheCommandLine(t *testing.T) {
	h := testkit.SQLite(t, add)
	c := local(h)
	story := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(story, []byte("Line one\nLine two"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := run(c, h.Set, "", "big-widget", "create", "--title", "First", "--size", "3", "--tags", "a,b", "--tags", `"c, d"`, "--ready", "--parts", `[{"name":"leg","count":4}]`,
		"--story", "@"+story, "--field-json", "x", "--json")
	var w widget
	if json.Unmarshal([]byte(made.out), &w); made.code != 0 || w.Story != "Line one\nLine two" || len(w.Tags) != 3 || w.Tags[2] != "c, d" || !w.Ready || w.JSON != "x" || made.errOut != "ledger entry 0\n" {
		t.Fatalf("create: %+v", made)
	}
	got := run(c, h.Set, "", "big_widget", "get", w.ID)
	want := "id:         " + w.ID + "\ntitle:      First\nsize:       3\nready:      yes\ntags:       a, b, c, d\nparts:      name leg, count 4\nstory:      Line one\n            Line two\njson:       x\nrev:        1\n" +
		"created at: 2026-03-06 09:00:00 UTC\ncreated by: usr_manager\nupdated at: 2026-03-06 09:00:00 UTC\nupdated by: usr_manager\n"
	if got.out != want {
		t.Errorf("get:\n%s\nwant\n%s", got.out, want)
	}
	run(c, h.Set, `{"title":"Zweite 表","size":1200}`, "big-widget", "create", "--json-in", "-")
	l := run(c, h.Set, "", "big-widget", "list", "--sort=-size")
	lines := strings.Split(l.out, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "ID  ") || !strings.HasSuffix(lines[0], "  TITLE      SIZE") || !strings.HasSuffix(lines[1], "  Zweite 表  1200") || !strings.HasSuffix(lines[2], "  First         3") {
		t.Errorf("list:\n%s", l.out)
	}
	if more := run(c, h.Set, "", "big-widget", "list", "--limit", "1"); !strings.HasPrefix(more.errOut, "there is more: add --after ") {
		t.Errorf("more: %+v", more)
	}
	if up := run(c, h.Set, "", "big-widget", "update", w.ID, "--rev", "1", "--title", "Changed", "--story", "-"); up.code != 0 {
		t.Errorf("update: %+v", up)
	}
	if past := run(c, h.Set, "", "big-widget", "list", "--as-of", "2026-03-05"); past.out != "" || past.errOut != "nothing found\n" {
		t.Errorf("as of: %+v", past)
	}
	if end := run(c, h.Set, "", "big-widget", "end", w.ID, "--rev", "2"); end.out != "done\n" || end.errOut != "ledger entry 3\n" {
		t.Errorf("end: %+v", end)
	}
}

func TestAWrongCommandNamesTheFieldAndTheFix(t *testing.T) {
	h := testkit.SQLite(t, add)
	c := local(h)
	id := "wid_1"
	for _, x := range []struct {
		args string
		code int
		says string
	}{
		{"big-widget create --title First", cli.ExitUsage, "size"},
		{"big-widget create --title First --size many", cli.ExitUsage, `size: wants a whole number, and was given "many"`},
		{"big-widget create --title First --size 1 --size 2", cli.ExitUsage, "--size: is given twice"},
		{"big-widget create --title First --size 1 --shade red", cli.ExitUsage, "unknown flag: --shade"},
		{"big-widget create --title First --size 1 --colour green", cli.ExitUsage, `colour: "green" is not one of red, blue`},
		{"big-widget create --title First --size 1 --story @/no/such/file", cli.ExitUsage, "--story: cannot read the file"},
		{"big-widget create --json-in /no/such/file", cli.ExitUsage, "--json-in: cannot read the file"},
		{"big-widget create First", cli.ExitUsage, "First: is one word too many"},
		{"big-widget create --title First --size 1 --friend wid_no", cli.ExitNotFound, "friend: there is no big widget wid_no"},
		{"big-widget get " + id, cli.ExitNotFound, "there is no big widget"},
		{"big-widget update " + id + " --size 3", cli.ExitConflict, "rev: is required"},
		{"big-widget list --as-of 2027-01-01", cli.ExitUsage, "as_of: 2027-01-01 is not in the past"},
		{"big-widget paint", cli.ExitUsage, "paint: there is no operation of this name"},
		{"gadget list", cli.ExitUsage, `unknown command "gadget"`},
	} {
		got := run(c, h.Set, "", strings.Fields(x.args)...)
		if got.code != x.code || !strings.Contains(got.errOut, x.says) || strings.Contains(got.errOut, "\x00") {
			t.Errorf("%s: %d %s", x.args, got.code, got.errOut)
		}
	}
	denied := run(cli.Local{Gate: h.Gate, Actor: testkit.As(op.Reader)}, h.Set, "", "big-widget", "create", "--title", "First", "--size", "1")
	if denied.code != cli.ExitDenied || !strings.Contains(denied.errOut, "fix:   ask a compliance manager") {
		t.Errorf("denied: %+v", denied)
	}
}

func TestStoredTextDoesNotSteerTheTerminal(t *testing.T) {
	h := testkit.SQLite(t, add)
	c := local(h)
	run(c, h.Set, `{"title":"\u001b[31mRed\u202e","size":1}`, "big-widget", "create", "--json-in", "-")
	for _, args := range [][]string{{"big-widget", "list"}, {"big-widget", "history", "wid_1"}} {
		if got := run(c, h.Set, "", args...); strings.ContainsAny(got.out+got.errOut, "\x1b\u202e") {
			t.Errorf("%q", got.out)
		}
	}
}

func TestNamesCompleteByTab(t *testing.T) {
	h := testkit.SQLite(t, add)
	c := local(h)
	run(c, h.Set, "", "big-widget", "create", "--title", "First", "--size", "1")
	for args, want := range map[string]string{
		"big":                         "big-widget\tA widget is for tests.",
		"big-widget cr":               "create\tAdd a big widget.",
		"big-widget create --colour ": "red\nblue",
		"big-widget create --friend ": "\tFirst",
		"big-widget update --id ":     "\tFirst",
		"big-widget get ":             "\tFirst",
	} {
		parts := strings.Split("__complete "+args, " ")
		if got := run(c, h.Set, "", parts...); !strings.Contains(got.out, want) {
			t.Errorf("%s: %q", args, got.out)
		}
	}
}

func TestHelpSaysWhatAFieldTakes(t *testing.T) {
	h := testkit.SQLite(t, add)
	got := run(local(h), h.Set, "", "big-widget", "create", "--help")
	for _, want := range []string{"Its colour. One of: red, blue.", "What it is called. Required.", "assay big_widget create --title", "--story text|@file|-"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("help lacks %q:\n%s", want, got.out)
		}
	}
}

// A server that is not there at first is asked again, with the same key; one that refuses is not.
func TestARemoteCallIsRepeatedWithOneKey(t *testing.T) {
	set := &op.Set{}
	add(set)
	var calls atomic.Int64
	keys := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")] = true
		if calls.Add(1) < 3 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(503)
			w.Write([]byte(`{"code":"unavailable","detail":"not now"}`))
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(409)
		w.Write([]byte(`{"code":"conflict","detail":"moved on","field":"rev","fix":"read again"}`))
	}))
	defer srv.Close()
	c, err := cli.Remote(set, srv.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Call(context.Background(), op.Call{Op: "big_widget.end", In: json.RawMessage(`{"id":"wid_1","rev":1}`)})
	e := errs.Public(err)
	if e.Code != errs.Conflict || e.Text != "moved on" || e.Field != "rev" || e.Fix != "read again" {
		t.Errorf("%+v", e)
	}
	if calls.Load() != 3 || len(keys) != 1 || keys[""] {
		t.Errorf("%d calls, keys %v", calls.Load(), keys)
	}
}

func TestAServerAddressThatWouldLeakATokenIsRefused(t *testing.T) {
	for _, s := range []string{"", "assay.example.com", "ftp://assay.example.com", "https://user:pass@assay.example.com", "http://assay.example.com", "https://assay.example.com?x=1"} {
		if _, err := cli.Remote(&op.Set{}, s, "token"); !errors.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"https://assay.example.com/", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		if _, err := cli.Remote(&op.Set{}, s, "token"); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// stalled is a file whose end comes only after its beginning has arrived.
type stalled struct {
	sent    int
	arrived chan struct{}
}

func (s *stalled) Read(b []byte) (int, error) {
	switch s.sent++; s.sent {
	case 1:
		return copy(b, "the beginning, "), nil
	case 2:
		<-s.arrived
		return copy(b, "the end"), nil
	}
	return 0, io.EOF
}

func TestAFileIsStreamedToTheServer(t *testing.T) {
	file := &stalled{arrived: make(chan struct{})}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 15)
		if _, err := io.ReadFull(r.Body, first); err != nil {
			t.Error(err)
		}
		close(file.arrived)
		rest, err := io.ReadAll(r.Body)
		if err != nil || r.Method+" "+r.URL.Path != "POST /v1/files" || r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		fmt.Fprintf(w, `{"sha256":"%x","size":22,"media_type":"text/plain"}`, sha256.Sum256(append(first, rest...)))
	}))
	defer srv.Close()
	c, err := cli.Remote(&op.Set{}, srv.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.(cli.Bringer).Upload(t.Context(), file)
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte("the beginning, the end"))); err != nil || got.SHA256 != want || got.Media != "text/plain" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAMisspelledCommandIsAnsweredOnOneLineWithWhatWasMeant(t *testing.T) {
	var b bytes.Buffer
	if code := cli.Fail(&b, errors.New("unknown command \"contrl\" for \"assay\"\n\nDid you mean this?\n\tcontrol\n\n")); code != cli.ExitUsage {
		t.Errorf("exit code %d", code)
	}
	if want := "error: unknown command \"contrl\" for \"assay\"\nfix:   did you mean control? assay --help lists the commands\n"; b.String() != want {
		t.Errorf("it says\n%s", b.String())
	}
}
