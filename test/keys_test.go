// SPDX-License-Identifier: Apache-2.0

package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What others name a thing by is its alone, and stays once it was approved: one person alone must not make what counts by it
// count by something else. It is held for every kind with such a name.
func TestAKeyIsOneThingsAloneAndStaysOnceItWasApproved(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		held := 0
		for _, sh := range c.app.Set.Shapes() {
			for _, n := range []string{"ref", "key", "number", "code"} {
				if f, ok := sh.Field(n); ok && !f.ReadOnly && sh.Key != n {
					t.Errorf("kind %s: others may name it by its %s, which is not its key", sh.Name, n)
				}
			}
			if sh.Key == "" || c.app.Set.Find(sh.Name+".create") == nil {
				continue
			}
			held++
			c.keyed(sh)
		}
		if held < 2 {
			t.Errorf("%d kinds were looked at", held)
		}
	})
}

// named makes a draft of a kind with a key.
func (c *crew) named(sh kind.Shape, key string) map[string]any {
	return map[string]any{sh.Key: key, "title": "A thing with a name", "text": "Somebody does something about it.", "body": testkit.PolicyText(nil, "A text that is long enough to bind somebody.")}
}

func (c *crew) keyed(sh kind.Shape) {
	c.t.Helper()
	refused := func(what, verb string, in map[string]any) {
		c.t.Helper()
		for n := range in {
			if f, ok := sh.Field(n); n != "id" && n != "rev" && (!ok || f.ReadOnly) {
				delete(in, n)
			}
		}
		if _, err := c.try(c.manager, sh.Name+"."+verb, in); err == nil || errs.Public(err).Code == errs.Internal || errs.Public(err).Field != sh.Key {
			c.t.Errorf("%s: %s: %v, want an error at %s", sh.Name, what, err, sh.Key)
		}
	}
	make := func(key string) map[string]any {
		in := c.named(sh, key)
		for n := range in {
			if _, ok := sh.Field(n); !ok {
				delete(in, n)
			}
		}
		return c.do(c.manager, sh.Name+".create", in)
	}
	to := func(x map[string]any, key string) map[string]any {
		return map[string]any{"id": x["id"], "rev": x["rev"], sh.Key: key}
	}
	a, b := make("KEY-1"), make("KEY-2")
	for _, same := range []string{"KEY-1", "key-1", " KEY-1 ", "KEY-1\u200b", "K\u00adEY-1", "\uff2bEY-1", "KEY\u20111"} {
		refused("another one of "+same, "create", c.named(sh, same))
		refused("a draft is called "+same, "update", to(b, same))
	}
	b = c.do(c.manager, sh.Name+".update", to(b, "KEY-3")) // a draft is called as one likes
	c.next(c.manager, sh.Name+".end", b)
	for range 3 {
		c.next(c.manager, sh.Name+".end", make("KEY-3")) // nothing ever counted by it
	}
	make("KEY-3")
	a = c.decided(sh, a)
	for _, other := range []string{"KEY-9", "key-1", "KEY-3"} {
		refused("approved, and called "+other, "update", to(a, other))
	}
	refused("another one of what was approved", "create", c.named(sh, "KEY-1"))
	if sh.Name != "policy" {
		return
	}
	a = c.next(c.manager, "policy.publish", a)
	a = c.next(c.manager, "policy.revise", a)
	refused("the draft of the next version", "update", to(a, "KEY-9"))
	for _, verb := range []string{"submit", "approve", "publish", "propose_retire", "retire"} {
		by := c.manager
		if verb == "approve" || verb == "retire" {
			by = c.owner
		}
		more := []any{}
		if verb == "propose_retire" {
			more = []any{"retire_reason", "We do this no longer."}
		}
		a = c.next(by, "policy."+verb, a, more...)
	}
	refused("one that was retired is made again", "create", c.named(sh, "KEY-1"))
	if a = c.next(c.manager, "policy.revise", a); fmt.Sprint(a["published_no"]) != "0" || a["published_text"] != "" || a["state"] != "draft" {
		c.t.Errorf("a retired policy that is worked on again is in force: %v %v", a["published_no"], a["state"])
	}
	a = c.next(c.manager, "policy.submit", a)
	a = c.next(c.owner, "policy.approve", a)
	if a = c.next(c.manager, "policy.publish", a); fmt.Sprint(a["published_no"]) != "3" || a["in_force_since"] != a["published_at"] {
		c.t.Errorf("put in force again: number %v, since %v, published %v", a["published_no"], a["in_force_since"], a["published_at"])
	}
	told, _ := c.do(c.owner, "changes.list", map[string]any{"kind": "policy", "subject": "KEY-1"})["data"].([]any)
	for _, x := range told {
		if l := x.(map[string]any); l["what"] == "Policy retired" && l["state"] != "ended" {
			c.t.Errorf("a policy that is in force again is told to be retired: %v", l)
		}
	}
	if len(told) != 3 { // its second version, that it was retired, its third version
		c.t.Errorf("%d changes are listed: %v", len(told), told)
	}
}

// decided brings a thing into the first state that two people decide on, by its moves or by a version of it.
func (c *crew) decided(sh kind.Shape, x map[string]any) map[string]any {
	c.t.Helper()
	if sh.Name == "control" {
		v := c.do(c.manager, "control_version.create", map[string]any{"control": x["id"], "action": "activate", "reason": "We do this from now on."})
		c.next(c.owner, "control_version.approve", v)
		return c.do(c.owner, "control.get", map[string]any{"id": x["id"]})
	}
	for _, m := range sh.Moves {
		if state := fmt.Sprint(x["state"]); !strings.Contains(strings.Join(m.From, " "), state) {
			continue
		}
		by := c.manager
		if m.Apart() {
			by = c.owner
		}
		if strings.HasPrefix(m.Verb, "reject") {
			continue
		}
		if x = c.next(by, sh.Name+"."+m.Verb, x); m.Apart() {
			return x
		}
	}
	return x
}

// Controls name policies by their refs: such a draft is not deleted either.
func TestAPolicyThatControlsInForceRestOnIsNotDeleted(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		used := map[string]bool{}
		for _, x := range c.listed("control", "state", "active") {
			refs, _ := x["policies"].([]any)
			for _, r := range refs {
				used[fmt.Sprint(r)] = true
			}
		}
		held := 0
		for _, p := range c.listed("policy", "state", "draft") {
			_, err := c.try(c.manager, "policy.end", map[string]any{"id": p["id"], "rev": p["rev"]})
			if used[fmt.Sprint(p["ref"])] != errors.Is(err, errs.Conflict) || err != nil && !errors.Is(err, errs.Conflict) {
				t.Errorf("%v, on which controls rest: %v: %v", p["ref"], used[fmt.Sprint(p["ref"])], err)
			}
			held++
		}
		if held < 10 || len(used) < 10 {
			t.Errorf("%d policies were looked at, %d are in use", held, len(used))
		}
	})
}

func (c *crew) listed(kindName, field, value string) (out []map[string]any) {
	c.t.Helper()
	all, _ := c.do(c.owner, kindName+".list", map[string]any{field: value, "limit": 1000})["data"].([]any)
	for _, x := range all {
		out = append(out, x.(map[string]any))
	}
	return out
}

// What was lawfully removed may have been approved: the name of what was stays taken, whatever of it is gone.
func TestAnApprovedThingKeepsItsNameWhateverOfItIsDisposedOf(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for _, sh := range c.app.Set.Shapes() {
			if sh.Key == "" || c.app.Set.Find(sh.Name+".create") == nil {
				continue
			}
			in := c.named(sh, "GONE-1")
			for n := range in {
				if _, ok := sh.Field(n); !ok {
					delete(in, n)
				}
			}
			x := c.decided(sh, c.do(c.manager, sh.Name+".create", in))
			gone := func(n int) error { // all versions but the newest n
				t.Helper()
				_, err := c.app.DB.Change(t.Context(), c.org, store.System("test"), func(tx *store.Tx) error {
					h, err := tx.History(t.Context(), sh.Name, x["id"].(string))
					if err != nil {
						return err
					}
					d := store.Disposal{Reason: "asked for"}
					for _, e := range h[n:] {
						if e.State == "kept" {
							d.Entries = append(d.Entries, e.Seq)
						}
					}
					_, err = store.Dispose(t.Context(), tx, d)
					return err
				})
				return err
			}
			if err := gone(0); err == nil || !strings.Contains(err.Error(), "last that tells the "+sh.Key) {
				t.Errorf("%s: the last entry that tells its name was removed: %v", sh.Name, err)
			}
			if sh.Name == "policy" { // a newer version that is a draft: nothing that is left says that it was approved
				x = c.next(c.manager, "policy.publish", x)
				x = c.next(c.manager, "policy.revise", x)
			}
			fine(t, gone(1))
			if _, err := c.try(c.manager, sh.Name+".create", in); err == nil || errs.Public(err).Field != sh.Key {
				t.Errorf("%s: another one of the name was made: %v", sh.Name, err)
			}
			if _, err := c.try(c.manager, sh.Name+".update", map[string]any{"id": x["id"], "rev": x["rev"], sh.Key: "GONE-2"}); err == nil {
				t.Errorf("%s: it was approved, and has another name", sh.Name)
			}
			if _, err := c.try(c.manager, sh.Name+".end", map[string]any{"id": x["id"], "rev": x["rev"]}); err == nil {
				t.Errorf("%s: it was approved, and was deleted", sh.Name)
			}
			a, err := c.app.DB.Verify(t.Context(), c.org, store.VerifyOptions{})
			if fine(t, err); len(a.Problems) > 0 {
				t.Errorf("%v", a.Problems)
			}
		}
	})
}
