// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"encoding/json"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// platform is the organisation's own records as a source, so that tests on policies, people and exceptions
// are like any other test. It is read inside the program: it can neither fail halfway nor be out of reach.
type platform struct {
	db  *store.DB
	org string
}

// PlatformName is the name of the connector that reads the organisation's own records.
const PlatformName = collect.PlatformConnector

func (p platform) Describe() collect.Description {
	return collect.Description{
		Kinds:       []string{"internal.policy", "internal.policy_version", "internal.exception", "person"},
		Reads:       "policies, exceptions and people kept in Assay",
		Permissions: []string{"none: the data is in Assay itself"},
		Query:       "all policies, exceptions and people as of one ledger entry",
	}
}

func (p platform) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	m := collect.Manifest{Complete: true, Counts: map[string]int{}}
	var all []collect.Resource
	err := p.db.View(ctx, p.org, time.Time{}, store.System("source.run"), func(v *store.View) error {
		for _, read := range []func(context.Context, *store.View) ([]collect.Resource, error){policies, exceptions, people} {
			some, err := read(ctx, v)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		return collect.Manifest{}, err
	}
	for _, k := range p.Describe().Kinds {
		m.Counts[k] = 0
	}
	for _, r := range all {
		m.Counts[r.Kind]++
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return collect.Manifest{}, err
	}
	return m, page(collect.Page{Resources: all, Raw: raw})
}

// orNull is a text, or null where there is none: known to be absent, which is not unknown.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return clock.Format(t)
}

func policies(ctx context.Context, v *store.View) ([]collect.Resource, error) {
	all, err := store.All(ctx, v, grc.Policies, nil)
	if err != nil {
		return nil, err
	}
	var failed error
	person := func(id string) string { // an author may be named as a person, and whoever approved it is a user
		ids, err := op.Behind(ctx, v, id)
		if err != nil {
			failed = err
		}
		for _, who := range ids {
			if v.KindOf(who) == grc.People.Name {
				return who
			}
		}
		return id
	}
	var out []collect.Resource
	for _, p := range all {
		if p.State == "retired" {
			continue
		}
		inForce := ""
		if p.InForce() {
			inForce = versionText(p.PublishedNo)
		}
		out = append(out, collect.Resource{Kind: "internal.policy", Key: p.ID, Name: p.Ref + " " + p.Called(), Attrs: map[string]any{
			"ref": p.Ref, "title": p.Called(), "required": p.Needed(), "approved_version": orNull(inForce), "last_reviewed_at": timeOrNull(p.LastReviewedAt), "owner_ref": orNull(p.Owner)}})
		version := func(no int64, state, author, approver string, how kind.How, at time.Time) {
			author, approver = person(author), person(approver)
			if how == kind.Solo || how == kind.SameHand { // one person stands behind both
				author = approver
			}
			out = append(out, collect.Resource{Kind: "internal.policy_version", Key: p.ID + "/" + versionText(no), Name: p.Ref + " version " + versionText(no), Attrs: map[string]any{
				"policy_ref": p.Ref, "version": versionText(no), "state": state, "author": author, "approver": orNull(approver), "approved_at": timeOrNull(at)}})
		}
		if p.InForce() {
			version(p.PublishedNo, "published", p.WrittenBy, p.AgreedBy, p.AgreedHow, p.AgreedAt)
		}
		if p.State == "approved" { // the next one, which is not in force yet
			author := p.Author
			if author == "" {
				author = p.CreatedBy
			}
			version(p.VersionNo, "approved", author, p.ApprovedBy, p.ApprovedHow, p.ApprovedAt)
		}
	}
	return out, failed
}

func exceptions(ctx context.Context, v *store.View) ([]collect.Resource, error) {
	all, err := store.All(ctx, v, grc.Exceptions, map[string]any{"state": "approved"})
	if err != nil {
		return nil, err
	}
	var out []collect.Resource
	for _, e := range all {
		out = append(out, collect.Resource{Kind: "internal.exception", Key: e.ID, Name: e.Title, Attrs: map[string]any{
			"active": true, "approved_by": e.ApprovedBy, "expires_at": clock.Format(e.ExpiresAt)}})
	}
	return out, nil
}

func people(ctx context.Context, v *store.View) ([]collect.Resource, error) {
	all, err := store.All(ctx, v, grc.People, nil)
	if err != nil {
		return nil, err
	}
	var out []collect.Resource
	for _, p := range all {
		a := map[string]any{"name": p.Name, "kind": string(p.Kind), "status": string(p.State), "end_on": orNull(string(p.EndOn)), "manager": orNull(p.Manager)}
		why := map[string]string{}
		if !p.Confirmed() {
			delete(a, "status")
			why["status"] = "Assay created this record during setup, and nobody has confirmed it yet. Open the person under People, check the record and save it"
		}
		for name, val := range map[string]string{"email": p.Email, "start_on": string(p.StartOn), "department": p.Department, "title": p.Title, "country": p.Country} {
			if val != "" {
				a[name] = val
			} else {
				why[name] = "nobody has recorded it"
			}
		}
		out = append(out, collect.Resource{Kind: "person", Key: p.ID, Name: p.Name, Attrs: a, Why: why})
	}
	return out, nil
}
