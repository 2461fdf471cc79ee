// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

func TestEveryWriteIsCarriedOutOnceUnderItsKey(t *testing.T) {
	for name, w := range map[string]world{"throwaway": throwaway, "product": real()} {
		t.Run(name, func(t *testing.T) {
			testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) { newMaker(t, h, w).repeated(t) })
		})
	}
}

// repeated: every write, a job too, is carried out once under one key; another request under it is refused.
func (m *maker) repeated(t *testing.T) {
	ops := slices.Clone(m.h.Set.All())
	slices.SortStableFunc(ops, func(a, b *op.Op) int { return boolInt(a.Verb == "end") - boolInt(b.Verb == "end") })
	for _, o := range ops {
		if !o.Writes || m.apart[o.Name] != "" {
			continue
		}
		other := op.Call{Op: o.Name, Key: "key of " + o.Name}
		other.In, _ = json.Marshal(m.input(t, testkit.Org, o, true))
		raw, _ := json.Marshal(m.input(t, testkit.Org, o, true))
		if bytes.Equal(other.In, raw) { // it takes nothing that differs: then another operation is the other request
			i := slices.IndexFunc(ops, func(x *op.Op) bool { return x.Writes && x.Fresh && x != o })
			other.Op = ops[i].Name
			other.In, _ = json.Marshal(m.input(t, testkit.Org, ops[i], true))
		}
		c := op.Call{Op: o.Name, In: raw, Key: other.Key}
		call := func(c op.Call) (op.Answer, int64, error) {
			before := m.size(t, testkit.Org)
			ans, err := m.h.Gate.Call(t.Context(), m.full(testkit.Org), c)
			return ans, m.size(t, testkit.Org) - before, err
		}
		first, _, err := call(c)
		for n := errs.Public(err).Field; err != nil && n != "" && !m.learned[o.Kind][n]; n = errs.Public(err).Field {
			m.learn(o.Kind, n) // a rule wants the thing to have this field
			c.In, _ = json.Marshal(m.input(t, testkit.Org, o, true))
			first, _, err = call(c)
		}
		if err != nil || first.Replay {
			t.Errorf("%s %s: %v, replayed %v", o.Name, raw, err, first.Replay)
			continue
		}
		again, grown, err := call(c)
		if slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Secret }) {
			if again.Replay { // not even a digest of its input was kept
				t.Errorf("%s takes a secret, and its answer was kept", o.Name)
			}
			continue
		}
		if o.ShownOnce {
			if !errors.Is(err, errs.Conflict) || grown != 0 {
				t.Errorf("%s again: %v, and %d entries", o.Name, err, grown)
			}
		} else if want, _ := store.Encode(first.Out); err != nil || !again.Replay || grown != 0 || !bytes.Equal(want, again.Out.(json.RawMessage)) {
			t.Errorf("%s again: %v, replayed %v, %d entries, %s and first %s", o.Name, err, again.Replay, grown, again.Out, want)
		}
		if _, grown, err := call(other); !errors.Is(err, errs.Conflict) || errs.Public(err).Field != "idempotency_key" || grown != 0 {
			t.Errorf("%s: another request with its key gives %v, and %d entries", o.Name, err, grown)
		}
	}
}
