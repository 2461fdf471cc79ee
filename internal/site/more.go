// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/job"
	"assay/internal/mcp"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/web"
	"assay/internal/web/page"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// more serves the faces beside REST.
func (a *App) more(mux *http.ServeMux, version string) {
	mux.Handle("/mcp", mcp.HTTPHandler(a.Gate, a.Who("mcp")))
	mux.Handle("/", web.Handler(web.Options{Gate: a.Gate, Door: a.Door, DB: a.DB, Cookie: a.CookieName(), Secure: strings.HasPrefix(a.Address(), "https://"), Address: a.Address(),
		Orgs: a.orgs, Settings: a.shown, MaxFile: a.maxFile(), Version: version, Dev: os.Getenv("ASSAY_DEV") != ""}))
}

// orgs lists the organisations as the way in must know them.
func (a *App) orgs(ctx context.Context) ([]web.Org, error) {
	ids, err := a.DB.Orgs(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]web.Org, len(ids))
	for i, id := range ids {
		err := a.DB.View(ctx, id, timeZero, store.System("organization.get"), func(v *store.View) error {
			o, err := grc.OrganizationOf(ctx, v)
			if err != nil {
				return err
			}
			out[i] = web.Org{ID: id, Name: o.Name}
			out[i].Zone, out[i].Wrong = o.Zone() // the others can be opened all the same
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// days are when a date of an organisation begins and ends: in the time zone that held on it, whatever holds now.
func (a *App) days(ctx context.Context, org string, date time.Time) (from, to time.Time, err error) {
	err = a.DB.View(ctx, org, timeZero, store.System("organization.get"), func(v *store.View) error {
		days, err := job.DaysOf(ctx, v)
		if err != nil {
			return err
		}
		day := check.DayOf(date, time.UTC)
		from, to = days.Start(day), days.Start(day+1)
		return nil
	})
	return from, to, err
}

// shown is the settings as the settings page shows them: without secrets.
func (a *App) shown() []page.Setting {
	var out []page.Setting
	for _, s := range a.Settings.Shown() {
		out = append(out, page.Setting{Name: s.Name, Value: s.Value, From: s.From, About: s.About, Secret: s.Value == "[secret]"})
	}
	return out
}

// maxFile is the largest file that is taken, in bytes.
func (a *App) maxFile() int64 {
	mb, err := strconv.ParseInt(a.Settings.Get("max_file_mb"), 10, 64)
	if err != nil || mb < 1 {
		mb = 200
	}
	return mb << 20
}

// MCP serves the tools on standard input and output, with the rights of whoever has the data folder.
func (a *App) MCP(ctx context.Context, _ string, org string) error {
	me := Here(org)
	me.Via = "mcp"
	return mcp.Server(a.Gate, func(context.Context) op.Actor { return me }).Run(ctx, &sdk.StdioTransport{})
}

// FileCheck holds a file of an organisation against its digest.
func (a *App) FileCheck(org string) func(context.Context, string) error {
	return func(ctx context.Context, sha string) error { return a.files.check(ctx, org, sha) }
}
