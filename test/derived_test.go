// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cli"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/mcp"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/store"
	"assay/internal/testkit"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"
)

// What every operation holds to, derived from the list of operations: nothing here names one.

func TestEveryOperationHoldsTheRules(t *testing.T) { derived(t, throwaway) }

func derived(t *testing.T, w world) {
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m := newMaker(t, h, w)
		t.Run("reachable", m.reachable)
		t.Run("unknown field", m.unknownField)
		t.Run("all faults at once", m.allFaults)
		t.Run("nobody", m.nobody)
		t.Run("as of", m.asOf)
		t.Run("roles", m.roles)
		t.Run("foreign id", m.foreignID)
		t.Run("foreign reference", m.foreignReference)
		t.Run("ledger failure", m.ledgerFailure)
		t.Run("success", m.success)
	})
}

// reachable: every face has the operation.
func (m *maker) reachable(t *testing.T) {
	commands := cli.Commands(cli.Local{Gate: m.h.Gate}, m.h.Set, nil, nil)
	root := &cobra.Command{Use: "assay"}
	root.AddCommand(commands...)
	routes := map[string]string{}
	for _, o := range m.h.Set.All() {
		method, path := o.Route()
		if was := routes[method+" "+path]; was != "" {
			t.Errorf("%s and %s have the same route %s %s", was, o.Name, method, path)
		}
		routes[method+" "+path] = o.Name
		c, rest, err := root.Find([]string{strings.ReplaceAll(o.Kind, "_", "-"), strings.ReplaceAll(o.Verb, "_", "-")})
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: no command: %v", o.Name, err)
			continue
		}
		for _, f := range o.In {
			if f.Name == "as_of" {
				t.Errorf("%s has a field as_of, which every read has already", o.Name)
			}
			if c.Flags().Lookup(cli.FlagName(f.Name)) == nil {
				t.Errorf("%s: no flag for %s", o.Name, f.Name)
			}
		}
		if tool, _ := mcp.Arguments(m.h.Set, o.Name, nil); tool == "" {
			t.Errorf("%s: no tool", o.Name)
		}
	}
}

// refusedAt says whether an error is an invalid field.
func refusedAt(err error, field string) bool {
	e := errs.Public(err)
	return err != nil && e.Code == errs.Invalid && e.Field == field
}

// unknownField: what an operation does not take is refused by name.
func (m *maker) unknownField(t *testing.T) {
	for _, o := range m.h.Set.All() {
		in := m.input(t, testkit.Org, o, true)
		in["no_such_field"] = 1
		if _, err := m.gate(m.full(testkit.Org), o, in, time.Time{}); !refusedAt(err, "no_such_field") {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

// allFaults: who gives nothing is told of every field that is required, and who gives a wrong type in each, of each.
func (m *maker) allFaults(t *testing.T) {
	told := 0
	for _, o := range m.h.Set.All() {
		nothing, wrong, required := map[string]any{}, map[string]any{}, []string{}
		for _, f := range o.In {
			if f.Name == "id" || f.Name == "rev" { // which thing, at which revision: asked for before anything else
				nothing[f.Name], wrong[f.Name] = "x_1", "x_1"
				if f.Name == "rev" {
					nothing[f.Name], wrong[f.Name] = 1, 1
				}
				continue
			}
			wrong[f.Name] = map[bool]any{true: 1, false: "{"}[f.Type == "string"]
			if f.Required && !o.Versioned { // what a move wants may stand in the thing already
				required = append(required, f.Name)
			}
		}
		faults := func(in map[string]any) (out []string) {
			if _, err := m.gate(m.full(testkit.Org), o, in, time.Time{}); err != nil {
				for _, e := range errs.Public(err).All() {
					out = append(out, e.Field)
				}
			}
			return out
		}
		got := faults(nothing)
		for _, name := range required {
			told++
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s is missing, and %v is told", o.Name, name, got)
			}
		}
		got = faults(wrong)
		for name := range wrong {
			if name != "id" && name != "rev" && !slices.Contains(got, name) && len(got) < errs.AtOnce {
				t.Errorf("%s: %s has a wrong type, and %v is told", o.Name, name, got)
			}
		}
	}
	if told == 0 {
		t.Error("no operation requires anything")
	}
}

// nobody: without an actor, or with one that has no role, nothing is done.
func (m *maker) nobody(t *testing.T) {
	for _, o := range m.h.Set.All() {
		in := m.input(t, testkit.Org, o, true)
		for _, a := range []op.Actor{{}, {Org: testkit.Org}, {ID: "usr_x"}} {
			if _, err := m.gate(a, o, in, time.Time{}); !errors.Is(err, errs.Unsigned) {
				t.Errorf("%s by %+v: %v", o.Name, a, err)
			}
		}
		narrow := m.full(testkit.Org)
		narrow.Scopes = []string{"nothing.*"}
		if _, err := m.gate(narrow, o, in, time.Time{}); !errors.Is(err, errs.Denied) {
			t.Errorf("%s with a token for something else: %v", o.Name, err)
		}
	}
}

// asOf: the past can be asked, and not changed.
func (m *maker) asOf(t *testing.T) {
	for _, o := range m.h.Set.All() {
		_, err := m.gate(m.full(testkit.Org), o, m.input(t, testkit.Org, o, true), m.h.Clock.Now().Add(-time.Hour))
		if o.Writes || o.Slow {
			if !refusedAt(err, "as_of") {
				t.Errorf("%s: %v", o.Name, err)
			}
		} else if err != nil && !errors.Is(err, errs.NotFound) {
			t.Errorf("%s an hour ago: %v", o.Name, err)
		}
	}
}

// roles: each role may what the table says, and nothing else.
func (m *maker) roles(t *testing.T) {
	for _, o := range m.h.Set.All() {
		for _, name := range op.Role("").Values() {
			m.role(t, o, op.Role(name))
		}
	}
}

func (m *maker) role(t *testing.T, o *op.Op, r op.Role) {
	a := m.actor(testkit.Org, r, "")
	reach := op.May(r, o.Object, o.Act)
	if o.Public {
		reach = op.Every
	}
	strangers := m.input(t, testkit.Org, o, false) // a thing that is not there: the answer says only whether he may
	if reach == op.Nothing {
		size := m.size(t, testkit.Org)
		if _, err := m.gate(a, o, strangers, time.Time{}); !errors.Is(err, errs.Denied) {
			t.Errorf("%s may not %s %s, and %s gave %v", r, o.Act, o.Object, o.Name, err)
		}
		if now := m.size(t, testkit.Org); now != size {
			t.Errorf("%s, denied to %s, wrote %d entries", o.Name, r, now-size)
		}
		return
	}
	if m.apart[o.Name] != "" || o.Slow {
		if !m.h.Gate.May(a, o.Name) {
			t.Errorf("%s may %s %s, and the Gate says no to %s", r, o.Act, o.Object, o.Name)
		}
		return
	}
	if reach >= op.Open {
		if _, err := m.gate(a, o, strangers, time.Time{}); errors.Is(err, errs.Denied) || errors.Is(err, errs.Internal) {
			t.Errorf("%s may %s %s, and %s gave %v", r, o.Act, o.Object, o.Name, err)
		}
		return
	}
	m.own(t, o, r, a, strangers)
}

// own: who reaches only his own things reaches those, and cannot tell others' from none.
func (m *maker) own(t *testing.T, o *op.Op, r op.Role, a op.Actor, none map[string]any) {
	if _, isKind := m.h.Set.Shape(o.Kind); !isKind || !takesID(o) {
		if _, err := m.gate(a, o, none, time.Time{}); !errors.Is(err, errs.Denied) {
			t.Errorf("%s reaches only his own %s, and %s gave %v", r, o.Object, o.Name, err)
		}
		return
	}
	stranger := m.actor(testkit.Org, op.Manager, "other")
	stranger.Roles = []op.Role{op.Self}
	others := m.inputBy(t, testkit.Org, o, stranger)
	_, err := m.gate(a, o, others, time.Time{})
	_, want := m.gate(a, o, none, time.Time{})
	if !errors.Is(err, errs.NotFound) || !same(err, others["id"], want, none["id"]) {
		t.Errorf("%s on another's thing by %s: %v, and on none: %v", o.Name, r, err, want)
	}
	if m.h.Set.Find(o.Kind+".create") == nil || m.ready[testkit.Org][o.Kind] != "" {
		return // no operation makes one that is his
	}
	author := a
	author.Roles = []op.Role{op.Self}
	mine := m.inputBy(t, testkit.Org, o, author)
	if _, err := m.gate(a, o, mine, time.Time{}); errors.Is(err, errs.NotFound) || errors.Is(err, errs.Internal) || errors.Is(err, errs.Denied) && !strings.Contains(err.Error(), "your own request") {
		t.Errorf("%s on a thing of his own by %s: %v", o.Name, r, err)
	}
}

// same says whether two errors are the same but for the id that was asked for.
func same(a error, idA any, b error, idB any) bool {
	text := func(err error, id any) string {
		x, _ := json.Marshal(errs.Public(err))
		return strings.ReplaceAll(string(x), fmt.Sprint(id), "ID")
	}
	return a != nil && b != nil && text(a, idA) == text(b, idB)
}

// foreignID: the thing of another organisation is not there, in the same words as one that never was.
func (m *maker) foreignID(t *testing.T) {
	for _, o := range m.h.Set.All() {
		if !takesID(o) || m.apart[o.Name] != "" || m.shared[o.Name] != "" {
			continue
		}
		in := m.input(t, testkit.Org, o, true)
		_, err := m.gate(m.full(testkit.Other), o, in, time.Time{})
		gone := m.input(t, testkit.Org, o, false)
		if rev, ok := in["rev"]; ok {
			gone["rev"] = rev
		}
		_, want := m.gate(m.full(testkit.Other), o, gone, time.Time{})
		if !errors.Is(err, errs.NotFound) || !same(err, in["id"], want, gone["id"]) {
			t.Errorf("%s: a foreign id gives %v, one that is not there %v", o.Name, err, want)
		}
	}
}

// foreignReference: no input can point into another organisation, of a question as little as of a change or a job.
func (m *maker) foreignReference(t *testing.T) {
	for _, o := range m.h.Set.All() {
		for _, way := range references(o.In) {
			f := way[len(way)-1]
			point := func(id string) error {
				in := m.input(t, testkit.Org, o, true)
				m.set(t, in, way, id)
				_, err := m.gate(m.full(testkit.Org), o, in, time.Time{})
				return err
			}
			to := f.Ref
			if to == "*" {
				to = m.anyKind()
			}
			foreign, _ := m.make(t, testkit.Other, to, "", m.full(testkit.Other))
			none := m.nonexistent(foreign)
			err, want := point(foreign), point(none)
			if name := wayName(way); !errors.Is(err, errs.NotFound) || errs.Public(err).Field != name || !same(err, foreign, want, none) {
				t.Errorf("%s: %s pointing at another organisation gives %v, at nothing %v", o.Name, name, err, want)
			}
		}
	}
}

// references lists the ways to the references in an input, those within its objects and lists too.
func references(fields []kind.Field) (out [][]kind.Field) {
	for _, f := range fields {
		if f.Ref != "" {
			out = append(out, []kind.Field{f})
		}
		for _, way := range references(f.Fields) {
			out = append(out, append([]kind.Field{f}, way...))
		}
	}
	return out
}

func wayName(way []kind.Field) string {
	names := []string{}
	for _, f := range way {
		names = append(names, f.Name)
	}
	return strings.Join(names, ".")
}

// set puts an id at the end of a way.
func (m *maker) set(t *testing.T, in map[string]any, way []kind.Field, id string) {
	f := way[0]
	var v any = id
	if len(way) > 1 {
		whole := f
		whole.Type = "object"
		inner := m.value(t, testkit.Org, whole).(map[string]any)
		m.set(t, inner, way[1:], id)
		v = inner
	}
	if in[f.Name] = v; f.Type == "array" {
		in[f.Name] = []any{v}
	}
}

// ledgerFailure: no entry, no effect; and no answer where the reading itself must be written down.
func (m *maker) ledgerFailure(t *testing.T) {
	for _, o := range m.h.Set.All() {
		if !o.Writes && !o.Sensitive || m.apart[o.Name] != "" || m.silent[o.Name] != "" {
			continue
		}
		in := m.input(t, testkit.Org, o, true)
		m.breakLedger(t)
		before := m.dump(t)
		ans, err := m.gate(m.full(testkit.Org), o, in, time.Time{})
		if err == nil || !strings.Contains(err.Error(), "no entry") || o.Sensitive && ans.Out != nil {
			t.Errorf("%s: the ledger failed, and the answer was %v %v", o.Name, ans.Out, err)
		}
		if m.dump(t) != before {
			t.Errorf("%s: the ledger failed, and the database changed", o.Name)
		}
		m.mendLedger(t)
	}
}

// success: each operation does its work over REST; its answer is as the document says, and its receipt proves it.
func (m *maker) success(t *testing.T) {
	srv := httptest.NewServer(rest.Handler(m.h.Gate, m.who, rest.Options{}))
	defer srv.Close()
	remote, err := cli.Remote(m.h.Set, srv.URL, testkit.Org)
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, srv.URL)
	ops := slices.Clone(m.h.Set.All())
	slices.SortStableFunc(ops, func(a, b *op.Op) int { return boolInt(a.Verb == "end") - boolInt(b.Verb == "end") })
	for _, o := range ops {
		if why := m.apart[o.Name]; why != "" {
			t.Logf("%s is not called here: %s", o.Name, why)
			continue
		}
		in := m.input(t, testkit.Org, o, true)
		if err := m.accepts(o, in); err != nil {
			t.Errorf("%s: what the Gate takes, its schema refuses: %v", o.Name, err)
		}
		size := m.size(t, testkit.Org)
		raw, _ := json.Marshal(in)
		ans, err := remote.Call(t.Context(), op.Call{Op: o.Name, In: raw})
		if err != nil {
			t.Errorf("%s %s: %v", o.Name, raw, err)
			continue
		}
		if err := doc.holds(o, ans.Out.(json.RawMessage)); err != nil {
			t.Errorf("%s: its answer is not as its schema says: %v\n%s", o.Name, err, ans.Out)
		}
		m.proven(t, o, size, ans.Receipt)
	}
}

// proven: a write has at least one entry, and its receipt is of the last of them; a read has none, unless it is sensitive.
func (m *maker) proven(t *testing.T, o *op.Op, before int64, r *store.Receipt) {
	grown := m.size(t, testkit.Org) - before
	switch {
	case o.Sensitive && !o.Writes:
		if grown != 1 {
			t.Errorf("%s: a sensitive read wrote %d entries", o.Name, grown)
		}
	case !o.Writes:
		if grown != 0 || r != nil {
			t.Errorf("%s: a read wrote %d entries", o.Name, grown)
		}
	case grown < 1 && m.silent[o.Name] != "":
		t.Logf("%s wrote no entry: %s", o.Name, m.silent[o.Name])
	case grown < 1:
		t.Errorf("%s: it did its work without an entry", o.Name)
	case o.Slow: // a job may write several times: it has no one receipt
	case r == nil || r.Seq != before+grown-1:
		t.Errorf("%s: the ledger grew from %d by %d, and the receipt is %+v", o.Name, before, grown, r)
	default:
		if leaf := m.leaf(t, testkit.Org, r.Seq); leaf != r.Leaf {
			t.Errorf("%s: the receipt has leaf %s, and the ledger %s", o.Name, r.Leaf, leaf)
		}
	}
}

func boolInt(b bool) int { return map[bool]int{true: 1}[b] }

func takesID(o *op.Op) bool {
	return slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "id" && f.Required })
}

// accepts holds an input against the schema that is published for it.
func (m *maker) accepts(o *op.Op, in map[string]any) error {
	s, err := compile(o.InSchema, "")
	if err != nil {
		return err
	}
	return s.Validate(asJSON(in))
}

// openapi is the published document.
type openapi struct {
	doc any
	c   *jsonschema.Compiler
}

const docURL = "https://assay.example.com/openapi.json"

func document(t *testing.T, base string) *openapi {
	t.Helper()
	text := fetch(t, base+"/openapi.json")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &openapi{doc: doc, c: jsonschema.NewCompiler()}
	d.c.AssertFormat()
	spec, err := os.Open("../internal/rest/testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer spec.Close()
	rules, err := jsonschema.UnmarshalJSON(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.c.AddResource("https://example.com/openapi", rules); err != nil {
		t.Fatal(err)
	}
	if err := d.c.MustCompile("https://example.com/openapi").Validate(doc); err != nil {
		t.Errorf("the document is not OpenAPI 3.1: %v", err)
	}
	if err := d.c.AddResource(docURL, doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// holds says whether an answer is as the document says, and has no field that it does not tell of.
func (d *openapi) holds(o *op.Op, out json.RawMessage) error {
	method, path := o.Route()
	pointer := []string{"paths", path, strings.ToLower(method), "responses"}
	code := "200"
	if o.Fresh {
		code = "201"
	}
	if o.Verb == "end" && string(out) == "{}" {
		code = "204"
	}
	at := d.at(append(pointer, code)...)
	if at == nil {
		return fmt.Errorf("the document has no answer %s", code)
	}
	if code == "204" {
		return nil
	}
	pointer = append(pointer, code, "content", "application/json", "schema")
	var ref strings.Builder
	for _, p := range pointer {
		ref.WriteString("/" + url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1")))
	}
	s, err := d.c.Compile(docURL + "#" + ref.String())
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(out)))
	if err != nil {
		return err
	}
	if err := s.Validate(v); err != nil {
		return err
	}
	return told(s, v, "")
}

func (d *openapi) at(pointer ...string) any {
	v := d.doc
	for _, p := range pointer {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// told says which field of an answer its schema does not tell of.
func told(s *jsonschema.Schema, v any, at string) error {
	for s.Ref != nil {
		s = s.Ref
	}
	switch x := v.(type) {
	case map[string]any:
		if len(s.Properties) == 0 {
			return nil
		}
		for n, y := range x {
			p := s.Properties[n]
			if p == nil {
				return fmt.Errorf("the schema does not tell of %s.%s", at, n)
			}
			if err := told(p, y, at+"."+n); err != nil {
				return err
			}
		}
	case []any:
		items, ok := s.Items2020, s.Items2020 != nil
		for i := range x {
			if !ok {
				break
			}
			if err := told(items, x[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}
