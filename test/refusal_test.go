// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/testkit"
)

// Whoever says no says why: each move of any kind that refuses something or takes it back wants a text, which is kept.
func TestARefusalAlwaysSaysWhy(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, sh := range h.Set.Shapes() {
			for _, mv := range sh.Moves {
				if !slices.Contains([]string{"reject", "return", "revoke", "withdraw", "cancel", "decline"}, mv.Verb) {
					continue
				}
				held++
				m.saysWhy(t, sh, mv)
			}
		}
		if held < 8 {
			t.Errorf("%d refusals were looked at", held)
		}
	})
}

func (m *maker) saysWhy(t *testing.T, sh kind.Shape, mv kind.Move) {
	name := sh.Name + "." + mv.Verb
	why := slices.IndexFunc(mv.Wants, func(n string) bool { f, _ := sh.Field(n); return f.Type == "string" && len(f.Enum) == 0 })
	if why < 0 {
		t.Errorf("%s asks for no reason", name)
		return
	}
	o, field := m.h.Set.Find(name), mv.Wants[why]
	in := m.inputBy(t, testkit.Org, o, m.author(testkit.Org))
	delete(in, field)
	_, err := m.gate(m.full(testkit.Org), o, in, time.Time{})
	if e := errs.Public(err); err == nil || e.Field != field {
		t.Errorf("%s without a reason: %v (field %q)", name, err, e.Field)
	}
	in[field] = "It is not what was asked for."
	if out := m.must(t, m.full(testkit.Org), o, in); out[field] != in[field] || out["state"] != mv.To {
		t.Errorf("%s: kept %v, state %v", name, out[field], out["state"])
	}
}
