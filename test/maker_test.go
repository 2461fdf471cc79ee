// SPDX-License-Identifier: Apache-2.0

package test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// world is a set of operations and what the derived tests cannot find out by themselves.
type world struct {
	add func(*op.Set)
	// prepare makes, in one organisation, what no operation makes, and gives ids by kind.
	prepare func(t *testing.T, h *testkit.House, org string) map[string]string
	// actor is a user with one role; name tells several of the same role apart.
	actor func(t *testing.T, h *testkit.House, org string, r op.Role, name string) op.Actor
	// given are inputs that a schema does not tell: by operation, then by field. A func(*maker, string) any is called with the organisation.
	given map[string]map[string]any
	// shared are operations whose ids are the same in every organisation, such as those of the catalogue, each with the reason.
	shared map[string]string
	// silent are writes without an entry in the ledger, each with the reason why that is right.
	silent map[string]string
	// apart are operations that cannot be called here, each with the reason.
	apart map[string]string
}

// maker makes inputs for operations from their schemas, and the things that they are about.
type maker struct {
	world
	h       *testkit.House
	ready   map[string]map[string]string // what was prepared: organisation, kind, id
	learned map[string]map[string]bool   // optional fields that rules want: kind, field
	n       int
	beside  *sql.DB // the database, not through the store
	tb      *testing.T
}

func newMaker(t *testing.T, h *testkit.House, w world) *maker {
	t.Helper()
	m := &maker{world: w, h: h, ready: map[string]map[string]string{}, learned: map[string]map[string]bool{}, tb: t}
	for _, org := range []string{testkit.Org, testkit.Other} {
		if w.prepare != nil {
			m.ready[org] = w.prepare(t, h, org)
		}
	}
	return m
}

func (m *maker) actor(org string, r op.Role, name string) op.Actor {
	if m.world.actor != nil {
		return m.world.actor(m.tb, m.h, org, r, name)
	}
	return op.Actor{Org: org, ID: "usr_" + string(r) + name, Person: "per_" + string(r) + name, Roles: []op.Role{r}, Via: "rest", Session: "session"}
}

// full is somebody who may do everything; author is another, so that nobody approves his own work.
func (m *maker) full(org string) op.Actor {
	a := m.actor(org, op.Owner, "")
	a.Roles = []op.Role{op.Self}
	return a
}

func (m *maker) author(org string) op.Actor {
	a := m.actor(org, op.Manager, "")
	a.Roles = []op.Role{op.Self}
	return a
}

// who recognises the callers of the success test: the token is the organisation.
func (m *maker) who(r *http.Request) (op.Actor, error) {
	org, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return op.Actor{}, errs.New(errs.Unsigned, "you are not signed in")
	}
	return m.full(org), nil
}

// gate calls an operation once, as it is.
func (m *maker) gate(a op.Actor, o *op.Op, in map[string]any, asOf time.Time) (op.Answer, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return op.Answer{}, err
	}
	return m.h.Gate.Call(m.tb.Context(), a, op.Call{Op: o.Name, In: raw, AsOf: asOf})
}

// input makes a good input for an operation. With real, the thing that it is about is there and in a state that allows it.
func (m *maker) input(t *testing.T, org string, o *op.Op, real bool) map[string]any {
	t.Helper()
	in := m.base(t, org, o)
	if !takesID(o) {
		return m.settle(t, org, o, in)
	}
	if !real {
		in["id"] = m.nonexistent(m.idOf(o.Kind))
		return in
	}
	return m.inputBy(t, org, o, m.author(org))
}

// inputBy is input about a thing that a made.
func (m *maker) inputBy(t *testing.T, org string, o *op.Op, a op.Actor) map[string]any {
	t.Helper()
	in := m.base(t, org, o)
	if fixed, ok := m.given[o.Name]["id"]; ok {
		in["id"] = m.fixed(fixed, org)
		return in
	}
	var rev int64
	in["id"], rev = m.make(t, org, o.Kind, m.from(o), a)
	rev = m.asked(t, org, o, in["id"], rev, a)
	if slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "rev" }) {
		in["rev"] = rev
	}
	return in
}

// asked makes the move that a move waits for, where it wants what only another one gives: a request, such as to retire.
func (m *maker) asked(t *testing.T, org string, o *op.Op, id any, rev int64, a op.Actor) int64 {
	sh, _ := m.h.Set.Shape(o.Kind)
	for _, mv := range sh.Moves {
		for _, ask := range sh.Moves {
			wants := func(n string) bool { return slices.Contains(mv.Wants, n) && !slices.Contains(mv.Takes, n) }
			if mv.Verb != o.Verb || ask.From[0] != ask.To || ask.To != m.from(o) || !slices.ContainsFunc(ask.Takes, wants) {
				continue
			}
			first := m.h.Set.Find(o.Kind + "." + ask.Verb)
			in := m.base(t, org, first)
			in["id"], in["rev"] = id, rev
			now, _ := m.must(t, a, first, in)["rev"].(float64)
			rev = int64(now)
		}
	}
	return rev
}

func (m *maker) fixed(v any, org string) any {
	if f, ok := v.(func(*maker, string) any); ok {
		return f(m, org)
	}
	return v
}

// base fills what an operation requires, but for the id.
func (m *maker) base(t *testing.T, org string, o *op.Op) map[string]any {
	t.Helper()
	in := map[string]any{}
	for _, f := range o.In {
		if f.Required && f.Name != "id" {
			in[f.Name] = m.value(t, org, f)
		}
	}
	for n, v := range m.given[o.Name] {
		if n != "id" {
			in[n] = m.fixed(v, org)
		}
	}
	return in
}

// settle adds optional fields that rules of the operation want. It finds out by calling it with texts of
// its own; what that writes is never used again.
func (m *maker) settle(t *testing.T, org string, o *op.Op, in map[string]any) map[string]any {
	if !o.Writes || o.Slow || m.apart[o.Name] != "" {
		return in
	}
	for range len(o.In) {
		for n := range m.learned[o.Name] {
			if _, ok := in[n]; !ok {
				in[n] = m.value(t, org, field(o, n))
			}
		}
		_, err := m.gate(m.author(org), o, m.fresh(in), time.Time{})
		n, _, _ := strings.Cut(strings.SplitN(errs.Public(err).Field, "[", 2)[0], ".")
		if _, has := in[n]; err == nil || has || field(o, n).Name == "" {
			return in
		}
		m.learn(o.Name, n)
	}
	return in
}

// fresh is a copy in which texts that must be unique are new.
func (m *maker) fresh(in map[string]any) map[string]any {
	out := map[string]any{}
	for n, v := range in {
		if s, ok := v.(string); ok && strings.Contains(s, mark) {
			m.n++
			v = s[:strings.Index(s, mark)] + fmt.Sprintf("%s%04d", mark, m.n) + s[strings.Index(s, mark)+len(mark)+4:]
		}
		out[n] = v
	}
	return out
}

func (m *maker) learn(where, name string) {
	if m.learned[where] == nil {
		m.learned[where] = map[string]bool{}
	}
	m.learned[where][name] = true
}

func field(o *op.Op, n string) kind.Field {
	for _, f := range o.In {
		if f.Name == n {
			return f
		}
	}
	return kind.Field{}
}

// from is a state from which an operation, where it is a move, goes on, and which can be reached; any where it is none.
func (m *maker) from(o *op.Op) string {
	sh, _ := m.h.Set.Shape(o.Kind)
	st, _ := sh.Field("state")
	for _, mv := range sh.Moves {
		if mv.Verb != o.Verb {
			continue
		}
		for _, s := range mv.From {
			if s == st.Default || m.path(sh, st.Default, s) != nil {
				return s
			}
		}
	}
	return ""
}

// make makes a thing of a kind and brings it into a state. It learns which optional fields that takes.
func (m *maker) make(t *testing.T, org, kindName, state string, a op.Actor) (string, int64) {
	t.Helper()
	for range 20 {
		id, rev, again := m.attempt(t, org, kindName, state, a)
		if !again {
			return id, rev
		}
	}
	t.Fatalf("cannot make a %s that is %s", kindName, state)
	return "", 0
}

func (m *maker) attempt(t *testing.T, org, kindName, state string, a op.Actor) (string, int64, bool) {
	t.Helper()
	create := m.h.Set.Find(kindName + ".create")
	var thing map[string]any
	if id := m.ready[org][kindName]; id != "" {
		thing = m.must(t, m.full(org), m.h.Set.Find(kindName+".get"), map[string]any{"id": id})
	} else if create == nil {
		t.Fatalf("nothing makes a %s: the world must prepare one", kindName)
	} else {
		in := m.settle(t, org, create, m.base(t, org, create))
		for n := range m.learned[kindName] {
			if _, ok := in[n]; !ok {
				in[n] = m.value(t, org, field(create, n))
			}
		}
		thing = m.must(t, a, create, m.fresh(in))
	}
	sh, _ := m.h.Set.Shape(kindName)
	for _, mv := range m.path(sh, fmt.Sprint(thing["state"]), state) {
		o := m.h.Set.Find(kindName + "." + mv.Verb)
		in := m.base(t, org, o)
		in["id"], in["rev"] = thing["id"], thing["rev"]
		by := a
		if mv.Apart() {
			by = m.full(org)
		}
		ans, err := m.gate(by, o, in, time.Time{})
		if e := errs.Public(err); err != nil && create != nil && field(create, e.Field).Name != "" && !m.learned[kindName][e.Field] {
			m.learn(kindName, e.Field)
			return "", 0, true
		}
		if err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
		thing = decoded(t, ans)
	}
	rev, _ := thing["rev"].(float64)
	return fmt.Sprint(thing["id"]), int64(rev), false
}

// path is the shortest way from one state to another.
func (m *maker) path(sh kind.Shape, from, to string) []kind.Move {
	if to == "" || from == to {
		return nil
	}
	type step struct {
		state string
		way   []kind.Move
	}
	seen := map[string]bool{from: true}
	for queue := []step{{from, nil}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, mv := range sh.Moves {
			if !slices.Contains(mv.From, at.state) || seen[mv.To] {
				continue
			}
			way := append(slices.Clone(at.way), mv)
			if mv.To == to {
				return way
			}
			seen[mv.To] = true
			queue = append(queue, step{mv.To, way})
		}
	}
	return nil
}

func (m *maker) must(t *testing.T, a op.Actor, o *op.Op, in map[string]any) map[string]any {
	t.Helper()
	ans, err := m.gate(a, o, in, time.Time{})
	if err != nil {
		t.Fatalf("%s %v: %v", o.Name, in, err)
	}
	return decoded(t, ans)
}

func decoded(t *testing.T, ans op.Answer) map[string]any {
	t.Helper()
	b, err := json.Marshal(ans.Out)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// mark stands in texts that are made, before a number that makes them unique.
const mark = "made-"

// value makes a value of a field.
func (m *maker) value(t *testing.T, org string, f kind.Field) any {
	t.Helper()
	if f.Type == "array" {
		item := f
		item.Type, item.Min, item.Max, item.Required = "string", nil, nil, true
		switch {
		case f.Fields != nil:
			item.Type = "object"
		case f.Format == "integer", f.Format == "boolean", f.Format == "object", f.Format == "any":
			item.Type, item.Format = f.Format, ""
		}
		n := 1
		if f.Min != nil {
			n = max(n, int(*f.Min))
		}
		out := []any{}
		for range n {
			out = append(out, m.value(t, org, item))
		}
		return out
	}
	switch {
	case f.Ref != "":
		to := f.Ref
		if to == "*" {
			to = m.anyKind()
		}
		id, _ := m.make(t, org, to, "", m.author(org))
		return id
	case f.Enum != nil:
		return f.Enum[0]
	case f.Type == "boolean":
		return true
	case f.Type == "integer":
		if f.Min != nil {
			return *f.Min
		}
		return 1
	case f.Type == "object":
		out := map[string]any{}
		for _, x := range f.Fields {
			if x.Required {
				out[x.Name] = m.value(t, org, x)
			}
		}
		return out
	case f.Type == "any":
		return map[string]any{}
	}
	if f.Format == "sha256" {
		return m.file(t, org)
	}
	return m.text(f)
}

// file uploads one as the author: whoever uploads a file that a thing cites is an author of it.
func (m *maker) file(t *testing.T, org string) string {
	t.Helper()
	f, err := m.h.Gate.Upload(t.Context(), m.author(org), strings.NewReader("a file that things cite"))
	if err != nil {
		t.Fatal(err)
	}
	return f.SHA256
}

func (m *maker) text(f kind.Field) string {
	switch {
	case f.Format == "date":
		return m.h.Clock.Now().Format(time.DateOnly)
	case f.Format == "date-time":
		return clock.Format(m.h.Clock.Now().AddDate(0, 0, 30))
	}
	m.n++
	s := fmt.Sprintf("%s%04d", mark, m.n)
	switch {
	case strings.Contains(f.Name, "email"):
		return s + "@example.com"
	case strings.Contains(f.Name, "url"):
		return "https://example.com/" + s
	}
	if f.Name == "body" && f.Long { // the text of a policy must say something
		return testkit.PolicyText(nil, s)
	}
	if f.Min != nil && int(*f.Min) > len(s) || f.Long {
		s += " is a text that is long enough for what is asked of it here"
	}
	if f.Min != nil {
		s += strings.Repeat(".", max(0, int(*f.Min)-len(s)))
	}
	if f.Max != nil {
		s = s[max(0, len(s)-int(*f.Max)):]
	}
	return s
}

// anyKind is a kind that can be made without pointing at another.
func (m *maker) anyKind() string {
	for _, sh := range m.h.Set.Shapes() {
		c := m.h.Set.Find(sh.Name + ".create")
		if c != nil && !slices.ContainsFunc(c.In, func(f kind.Field) bool { return f.Required && f.Ref != "" }) {
			return sh.Name
		}
	}
	return m.h.Set.Shapes()[0].Name
}

// idOf is an id of a kind; nonexistent makes another of the same shape.
func (m *maker) idOf(kindName string) string {
	sh, ok := m.h.Set.Shape(kindName)
	if !ok {
		sh.Prefix = "xxx"
	}
	return m.h.Store.IDs().New(sh.Prefix, m.h.Clock.Now())
}

func (m *maker) nonexistent(like string) string {
	prefix, _, _ := strings.Cut(like, "_")
	return m.h.Store.IDs().New(prefix, m.h.Clock.Now())
}

func (m *maker) size(t *testing.T, org string) int64 {
	t.Helper()
	var n int64
	if err := m.h.Store.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error { n = v.At; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func (m *maker) leaf(t *testing.T, org string, seq int64) string {
	t.Helper()
	var leaf string
	err := m.h.Store.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error {
		e, err := v.Entry(t.Context(), seq)
		leaf = e.Leaf
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// compile makes a validator of a schema that stands in a Go map.
func compile(schema map[string]any, at string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://assay.example.com/schema"+at, asJSON(schema)); err != nil {
		return nil, err
	}
	return c.Compile("https://assay.example.com/schema" + at)
}

// asJSON is a value as it is when it has been JSON.
func asJSON(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		return nil
	}
	return out
}
