// SPDX-License-Identifier: Apache-2.0

package check

import (
	"sync"
	"testing"
)

var builtIn = sync.OnceValues(BuiltIn)

func catalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryTestKeepsItsFourExamples(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		for _, name := range FixtureNames {
			t.Run(r.ID()+"/"+name, func(t *testing.T) {
				want, err := ParseVerdict(FixtureOf(r.Def.Fixtures, name).Expect)
				if err != nil {
					t.Fatal(err)
				}
				out, err := c.RunFixture(r, name)
				if err != nil {
					t.Fatal(err)
				}
				if out.State != want {
					t.Errorf("got %s (%s), want %s", out.State, out.Reason, want)
				}
			})
		}
	}
}
