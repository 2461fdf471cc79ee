// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/content"
	"assay/internal/check"
)

// The rule engine against the same conditions written by hand in Go over maps. What counts is the
// ratio within one run; "tests/s" is resources times tests, on all processors.

const checked = 100_000

var checkNow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func identities(n int) []check.Resource {
	out := make([]check.Resource, n)
	for i := range out {
		status := "active"
		if i%10 == 0 {
			status = "suspended"
		}
		key := fmt.Sprintf("user-%d", i)
		out[i] = check.Resource{ID: "res_" + key, Kind: "idp.user", Key: key, Name: key, Attrs: map[string]any{
			"email": key + "@example.com", "status": status, "is_service": i%7 == 0, "is_admin": i%50 == 3,
			"mfa_enrolled": i%100 != 1, "mfa_method": "totp", "created_at": "2024-01-10T09:00:00Z",
			"last_login_at": "2026-02-28T09:00:00Z", "person_ref": fmt.Sprintf("p%d", i),
		}}
	}
	return out
}

func people(n int) []check.Resource {
	out := make([]check.Resource, n)
	for i := range out {
		status, end := "active", any(nil)
		if i%20 == 0 {
			status, end = "terminated", "2026-02-20"
		}
		key := fmt.Sprintf("p%d", i)
		out[i] = check.Resource{ID: "res_" + key, Kind: "person", Key: key, Name: key,
			Attrs: map[string]any{"status": status, "end_on": end, "kind": "employee"}}
	}
	return out
}

func engine(b *testing.B) *check.Catalogue {
	b.Helper()
	c, err := check.BuiltIn()
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func bound(b *testing.B, c *check.Catalogue, rs []check.Resource) check.Set {
	b.Helper()
	set := check.Set{State: check.SourceComplete, Resources: make([]*check.Bound, len(rs))}
	for i, r := range rs {
		x, err := c.Bind(r, time.UTC)
		if err != nil {
			b.Fatal(err)
		}
		set.Resources[i] = x
	}
	return set
}

func population(b *testing.B, c *check.Catalogue) *check.Input {
	b.Helper()
	return &check.Input{Now: checkNow, Resources: check.NewPopulation(map[string]check.Set{
		"idp.user": bound(b, c, identities(checked)), "person": bound(b, c, people(checked)),
	})}
}

func BenchmarkCheck(b *testing.B) {
	c := engine(b)
	in := population(b, c)
	for _, id := range []string{"idp.mfa_all", "idp.mfa_strong_admin", "idp.dormant", "idp.terminated_disabled", "idp.admin_count"} {
		b.Run(id, func(b *testing.B) {
			r, _ := c.Rule(id)
			b.ReportAllocs()
			for b.Loop() {
				if out := r.Evaluate(in); out.Evaluated == 0 {
					b.Fatal(out.Reason)
				}
			}
			b.ReportMetric(float64(b.N)*checked/b.Elapsed().Seconds(), "tests/s")
		})
	}
}

func BenchmarkCheckByHand(b *testing.B) {
	rs := identities(checked)
	b.Run("idp.mfa_all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			half := len(rs) / 2
			var wait sync.WaitGroup
			var first, second []check.Result
			wait.Go(func() { first = allByHand(rs[:half]) })
			wait.Go(func() { second = allByHand(rs[half:]) })
			wait.Wait()
			if len(first)+len(second) == 0 {
				b.Fatal("nothing was tested")
			}
		}
		b.ReportMetric(float64(b.N)*checked/b.Elapsed().Seconds(), "tests/s")
	})
}

func allByHand(rs []check.Resource) []check.Result {
	results := make([]check.Result, 0, len(rs))
	for i := range rs {
		if res, in := byHand(&rs[i]); in {
			results = append(results, res)
		}
	}
	return results
}

// byHand is idp.mfa_all as one would write it, with absent as unknown.
func byHand(r *check.Resource) (check.Result, bool) {
	status, ok1 := r.Attrs["status"].(string)
	service, ok2 := r.Attrs["is_service"].(bool)
	if ok1 && status != "active" || ok2 && service {
		return check.Result{}, false
	}
	mfa, ok3 := r.Attrs["mfa_enrolled"].(bool)
	switch {
	case !ok1 || !ok2 || !ok3:
		return check.Result{Resource: r.ID, Verdict: check.VerdictUnknown, Message: r.Name + ": something is not known"}, true
	case !mfa:
		return check.Result{Resource: r.ID, Verdict: check.VerdictFail, Message: fmt.Sprint(r.Attrs["email"], " has no second factor.")}, true
	default:
		return check.Result{Resource: r.ID, Verdict: check.VerdictPass}, true
	}
}

// BenchmarkCheckChange is a rule with a loop over the approvers of each change.
func BenchmarkCheckChange(b *testing.B) {
	c := engine(b)
	rs := make([]check.Resource, checked/10)
	for i := range rs {
		key := fmt.Sprintf("example/api#%d", i)
		rs[i] = check.Resource{ID: key, Kind: "vcs.change", Key: key, Name: key, Attrs: map[string]any{
			"repo": "example/api", "number": i, "author": "jo", "commits_by": []string{"jo"}, "approvers": []string{"al"},
			"approved_at": "2026-02-26T10:00:00Z", "merged_at": "2026-02-26T11:00:00Z", "emergency": false,
		}}
	}
	in := &check.Input{Now: checkNow, Resources: check.NewPopulation(map[string]check.Set{"vcs.change": bound(b, c, rs)})}
	r, _ := c.Rule("vcs.change_approved")
	b.ReportAllocs()
	for b.Loop() {
		if out := r.Evaluate(in); out.Passed != len(rs) {
			b.Fatal(out.Reason)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(rs))/b.Elapsed().Seconds(), "tests/s")
}

func BenchmarkCheckOne(b *testing.B) {
	c := engine(b)
	in := population(b, c)
	r, _ := c.Rule("idp.mfa_all")
	one := in.Resources.Set("idp.user").Resources[2]
	b.ReportAllocs()
	for b.Loop() {
		if res := r.EvaluateOne(in, one); res.Verdict != check.VerdictPass {
			b.Fatal(res.Message)
		}
	}
}

func BenchmarkCheckBind(b *testing.B) {
	c := engine(b)
	r := identities(3)[2]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Bind(r, time.UTC); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckCompile(b *testing.B) {
	tests, err := content.Tests()
	if err != nil {
		b.Fatal(err)
	}
	kinds, err := content.ResourceKinds()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := check.Compile(tests, kinds); err != nil {
			b.Fatal(err)
		}
	}
}
