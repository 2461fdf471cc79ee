// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// house is a store with its Gate and the door to it.
type house struct {
	*testkit.House
	door Door
}

func add(s *op.Set) {
	Add(s)
	grc.Add(s, grc.Above{})
}

// engines runs fn on both databases.
func engines(t *testing.T, fn func(*testing.T, house)) {
	t.Helper()
	testkit.Engines(t, add, func(t *testing.T, h *testkit.House) { fn(t, house{h, Door{DB: h.Store}}) })
}

var users atomic.Int64

// user makes a user who is active and has no password.
func (h house) user(t *testing.T, roles ...op.Role) *User { return h.userIn(t, testkit.Org, roles...) }

func (h house) userIn(t *testing.T, org string, roles ...op.Role) *User {
	t.Helper()
	n := users.Add(1)
	u := &User{Name: fmt.Sprint("User ", n), Email: fmt.Sprintf("user%d@example.com", n), Roles: roles, State: "active"}
	h.put(t, org, u)
	return u
}

func (h house) put(t *testing.T, org string, u *User) {
	t.Helper()
	if _, err := h.Store.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, Users, u) }); err != nil {
		t.Fatal(err)
	}
}

func (h house) now(t *testing.T, id string) *User {
	t.Helper()
	var u *User
	h.see(t, func(v *store.View) (err error) {
		u, err = store.Get(t.Context(), v, Users, id)
		return err
	})
	return u
}

// hash opens the hash of the password of a user.
func (h house) hash(t *testing.T, id string) string {
	t.Helper()
	var out string
	h.see(t, func(v *store.View) error {
		u, err := store.Get(t.Context(), v, Users, id)
		if err == nil {
			out, err = store.Reveal(v, Users, u, "password")
		}
		return err
	})
	return out
}

func (h house) see(t *testing.T, fn func(*store.View) error) {
	t.Helper()
	if err := h.Store.View(t.Context(), testkit.Org, time.Time{}, store.System("test"), fn); err != nil {
		t.Fatal(err)
	}
}

// as is a user as he is now.
func (h house) as(u *User) op.Actor {
	return op.Actor{Org: testkit.Org, ID: u.ID, Roles: u.Roles, Via: "rest"}
}

// link makes a one-time link and gives its code.
func (h house) link(t *testing.T, u *User) string {
	t.Helper()
	l, err := h.door.Link(t.Context(), testkit.Org, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return code(t, l.Path)
}

func code(t *testing.T, path string) string {
	t.Helper()
	c, ok := strings.CutPrefix(path, "/welcome?code=")
	if !ok {
		t.Fatalf("path of the link: %q", path)
	}
	return c
}

// in signs a user in.
func (h house) in(t *testing.T, u *User) string {
	t.Helper()
	c, err := h.door.ByLink(t.Context(), h.link(t, u))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// alive says that a cookie stands for a user.
func (h house) alive(t *testing.T, cookie string, u *User, what string) {
	t.Helper()
	if a, err := h.door.ByCookie(t.Context(), cookie); err != nil || a.ID != u.ID {
		t.Errorf("%s: %v %v; want the session of %s", what, a, err, u.ID)
	}
}

// over says that a cookie stands for nobody.
func (h house) over(t *testing.T, cookie, what string) {
	t.Helper()
	a, err := h.door.ByCookie(t.Context(), cookie)
	is(t, err, errs.Unsigned, what)
	p, err := h.door.Peek(t.Context(), cookie)
	is(t, err, errs.Unsigned, what+" (a page asks by itself)")
	if a.ID != "" || p.ID != "" {
		t.Errorf("%s: it stands for %q %q", what, a.ID, p.ID)
	}
}

func is(t *testing.T, err error, want errs.Code, what string) {
	t.Helper()
	if err == nil || errs.Public(err).Code != want {
		t.Errorf("%s: %v; want %s", what, err, want)
	}
}

func (h house) try(t *testing.T, a op.Actor, name, key string, in any) (map[string]any, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ans, err := h.Gate.Call(t.Context(), a, op.Call{Op: name, In: raw, Key: key})
	if err != nil {
		return nil, err
	}
	b, err := store.Encode(ans.Out)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if len(b) > 2 {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

func (h house) call(t *testing.T, a op.Actor, name string, in any) map[string]any {
	t.Helper()
	out, err := h.try(t, a, name, "", in)
	if err != nil {
		t.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

// m is an input.
type m = map[string]any

// dump is every row of every table, as text: what somebody has who has the database.
func (h house) dump(t *testing.T) string {
	t.Helper()
	driver, dsn, list := "pgx", h.DSN, `SELECT tablename FROM pg_tables WHERE schemaname='public'`
	if h.Engine == db.SQLite {
		driver, dsn, list = "sqlite", strings.TrimPrefix(h.DSN, "sqlite:"), `SELECT name FROM sqlite_master WHERE type='table'`
	}
	c, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b strings.Builder
	for _, row := range rows(t, c, list) {
		name := fmt.Sprint(row[0])
		for _, r := range rows(t, c, `SELECT * FROM "`+name+`"`) {
			fmt.Fprintf(&b, "%s", name)
			for _, v := range r {
				if x, ok := v.([]byte); ok {
					if fmt.Fprintf(&b, " | %x", x); !utf8.Valid(x) { // hashes and salts
						continue
					}
				}
				fmt.Fprintf(&b, " | %v", text(v))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func text(v any) any {
	if x, ok := v.([]byte); ok {
		return string(x)
	}
	return v
}

func rows(t *testing.T, c *sql.DB, q string) [][]any {
	t.Helper()
	r, err := c.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer r.Close()
	cols, err := r.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]any
	for r.Next() {
		vals, into := make([]any, len(cols)), make([]any, len(cols))
		for i := range vals {
			into[i] = &vals[i]
		}
		if err := r.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, vals)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
