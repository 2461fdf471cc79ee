// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"fmt"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/store"
)

// stillFailing says whether what an exception covered still fails, now that it has ended; why is not empty where nobody knows.
func stillFailing(ctx context.Context, v *store.View, e *grc.Exception) (fails bool, why string, err error) {
	if e.Test == "" {
		return controlFailing(ctx, v, e.Control)
	}
	found, err := covered(ctx, v, e)
	if err != nil {
		return false, "", err
	}
	for _, f := range found {
		switch f.Verdict {
		case "fail":
			return true, "", nil
		case "excepted":
			why = e.Test + " has not run since the exception expired"
		case "unknown", "error":
			why = e.Test + " cannot say: " + f.Message
		}
	}
	if why != "" || len(found) > 0 {
		return false, why, nil
	}
	states, err := check.States.Select(ctx, v, "test=$3", "", e.Test)
	if err == nil && (len(states) == 0 || states[0].Evaluated == 0 && states[0].Verdict != "not_applicable") {
		why = e.Test + " has looked at nothing"
	}
	return false, why, err
}

// covered is what the test of an exception last said of its resource, which it may name by the natural key.
func covered(ctx context.Context, v *store.View, e *grc.Exception) ([]check.Found, error) {
	ids := []any{e.Test, e.Resource}
	where := "test=$3 AND resource IN ($4"
	versions, err := collect.Versions.Select(ctx, v, "key=$3", "", e.Resource)
	if err != nil {
		return nil, err
	}
	for _, x := range versions {
		ids = append(ids, x.ID)
		where += fmt.Sprintf(",$%d", len(ids)+2)
	}
	return check.Finds.Select(ctx, v, where+")", "", ids...)
}

// awaited names the tests that were not run since an exception of theirs ended: what exception.live says waits for them.
func awaited(ctx context.Context, v *store.View) (map[string]bool, error) {
	all, err := store.All(ctx, v, grc.Exceptions, map[string]any{"state": "approved"})
	out := map[string]bool{}
	for _, e := range all {
		if e.Test == "" || v.Now.Before(e.ExpiresAt) || err != nil {
			continue
		}
		var found []check.Found
		found, err = covered(ctx, v, e)
		for _, f := range found {
			if f.Verdict == "excepted" {
				out[e.Test] = true
			}
		}
	}
	return out, err
}

// ended runs the tests whose exceptions have ended, and reads the exceptions again, so that the one check says both.
func (w *Works) ended(ctx context.Context, org string, by store.By, trigger string, step Step) error {
	var tests map[string]bool
	err := w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) (err error) {
		tests, err = awaited(ctx, v)
		return err
	})
	if err != nil || len(tests) == 0 {
		return err
	}
	if _, _, err := w.check(ctx, org, by, trigger, tests, step); err != nil {
		return err
	}
	_, err = w.ReadAll(ctx, org, by, func(t *collect.SourceThing, _ collect.Run) bool { return t.Connector == PlatformName }, step)
	return err
}

// controlFailing says whether a required test of a control fails.
func controlFailing(ctx context.Context, v *store.View, id string) (fails bool, why string, err error) {
	c, err := store.Get(ctx, v, grc.Controls, id)
	if err != nil {
		return false, "", err
	}
	for _, t := range c.Tests {
		if t.Role == "supporting" {
			continue
		}
		states, err := check.States.Select(ctx, v, "test=$3", "", t.Test)
		if err != nil {
			return false, "", err
		}
		switch {
		case len(states) == 0:
			why = t.Test + " was never run"
		case states[0].Verdict == "fail":
			return true, "", nil
		case states[0].Verdict == "unknown" || states[0].Verdict == "error":
			why = t.Test + " cannot say: " + states[0].Reason
		}
	}
	return false, why, nil
}
