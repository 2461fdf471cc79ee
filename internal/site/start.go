// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"assay/internal/auth"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/id"
	"assay/internal/job"
	"assay/internal/op"
	"assay/internal/store"
)

// Org finds the organisation that commands work on: the one that is named, or the only one there is.
func (a *App) Org(ctx context.Context) (string, error) {
	orgs, err := a.DB.Orgs(ctx)
	if err != nil {
		return "", err
	}
	want := a.Settings.Get("org")
	switch {
	case slices.Contains(orgs, want):
		return want, nil
	case len(orgs) == 1:
		return orgs[0], nil
	case len(orgs) == 0:
		return "", errs.New(errs.NotFound, "there is no organisation in %s yet", a.Data).Mend("run: assay up")
	}
	return "", errs.At("org", "there are %d organisations here", len(orgs)).Mend("say which: --org %s", strings.Join(orgs, " or --org "))
}

// Here is whoever runs the program on this machine: with the data folder in his hands, he has the owner's rights.
func Here(org string) op.Actor {
	return op.Actor{Org: org, ID: "system", Name: "this machine", Roles: []op.Role{op.Owner, op.Manager, op.Admin}, Via: "cli"}
}

// Found makes the organisation, its first person and user, and installs the library, in one transaction.
func (a *App) Found(ctx context.Context, name, email string) (string, error) {
	org := id.Source{}.New("org", a.DB.Clock().Now())
	key, err := a.DB.PublicKey(org)
	if err != nil {
		return "", err
	}
	mine, err := a.rules.standard()
	if err != nil {
		return "", err
	}
	_, err = a.DB.Change(ctx, org, store.System("organization.create"), func(tx *store.Tx) error {
		owner := &grc.Person{Name: whoAmI(), Email: email, Kind: "employee", State: "active", Source: grc.FromSetup}
		if err := grc.Found(ctx, tx, name, key, owner); err != nil {
			return err
		}
		u := &auth.User{Name: owner.Name, Email: email, Person: owner.ID, Roles: []op.Role{op.Owner, op.Manager, op.Admin}, State: "invited"}
		if err := store.Put(ctx, tx, auth.Users, u); err != nil {
			return fmt.Errorf("first user: %w", err)
		}
		if err := store.Put(ctx, tx, collect.Sources, &collect.SourceThing{Name: "This platform", Connector: job.PlatformName, IntervalHours: 24, State: "enabled"}); err != nil {
			return fmt.Errorf("first source: %w", err)
		}
		if err := grc.Install(ctx, tx, []string{"base"}); err != nil {
			return err
		}
		_, err := check.NoticeEdition(ctx, tx, mine, a.rules.program)
		return err
	})
	return org, err
}

func whoAmI() string {
	if u, err := user.Current(); err == nil {
		if u.Name != "" {
			return strings.Trim(u.Name, ", ")
		}
		return u.Username
	}
	return "First owner"
}

// Connect connects a source unless one with the same connector and name is there.
func (a *App) Connect(ctx context.Context, org, name, connector string, config map[string]any) error {
	t := &collect.SourceThing{Name: name, Connector: connector, Config: config, IntervalHours: 24, State: "enabled"}
	if _, err := a.Works.Runner.Make(org, t, nil); err != nil {
		return err
	}
	_, err := a.DB.Change(ctx, org, store.System("source.create"), func(tx *store.Tx) error {
		same, err := store.All(ctx, &tx.View, collect.Sources, map[string]any{"connector": connector})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(same, func(s *collect.SourceThing) bool { return s.Name == name }) {
			return nil
		}
		return store.Put(ctx, tx, collect.Sources, t)
	})
	return err
}

// SignInLink makes a one-time link for the first owner of the organisation.
func (a *App) SignInLink(ctx context.Context, org string) (string, error) {
	var owner string
	err := a.DB.View(ctx, org, timeZero, store.System("user.link"), func(v *store.View) error {
		all, err := store.All(ctx, v, auth.Users, nil)
		for _, u := range all {
			if owner == "" && u.State != "disabled" && slices.Contains(u.Roles, op.Owner) {
				owner = u.ID
			}
		}
		return err
	})
	if err != nil {
		return "", err
	}
	l, err := a.Door.Link(ctx, org, owner)
	return a.Address() + l.Path, err
}

// Address is where people reach the server.
func (a *App) Address() string {
	if u := a.Settings.Get("public_url"); u != "" {
		return strings.TrimRight(u, "/")
	}
	return "http://" + strings.Replace(a.Settings.Get("listen"), "0.0.0.0", "127.0.0.1", 1)
}

// HostName is the name of this machine, for naming its source.
func HostName() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "this machine"
}
