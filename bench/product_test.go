// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// company opens a product over a fresh data folder, with a clock that the benchmark moves.
func company(b *testing.B, connectors ...collect.Connector) (*site.App, string, *clock.Fake) {
	b.Helper()
	cfg, err := site.Load(map[string]string{"data": b.TempDir(), "log_level": "error"})
	if err != nil {
		b.Fatal(err)
	}
	c := testkit.NewClock()
	a, err := site.Open(context.Background(), cfg, site.Parts{Clock: c, Connectors: connectors})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	org, err := a.Found(context.Background(), "Example Ltd", "owner@example.com")
	if err != nil {
		b.Fatal(err)
	}
	return a, org, c
}

type many struct{ n int }

func (m many) Describe() collect.Description { return collect.Description{Kinds: []string{"idp.user"}} }

func (m many) Collect(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	for from := 0; from < m.n; from += 1000 {
		p := collect.Page{}
		for i := from; i < min(from+1000, m.n); i++ {
			p.Resources = append(p.Resources, collect.Resource{Kind: "idp.user", Key: fmt.Sprint("u", i), Name: fmt.Sprint("u", i), Attrs: map[string]any{
				"email": fmt.Sprintf("u%d@example.com", i), "status": "active", "is_service": false, "mfa_enrolled": i%100 != 0, "is_admin": i%500 == 0, "last_login_at": "2026-03-05T10:00:00.000Z"}})
		}
		if err := page(p); err != nil {
			return collect.Manifest{}, err
		}
	}
	return collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": m.n}}, nil
}

// A repeat run over 100,000 unchanged resources: it reads, and writes the run itself and nothing else.
func BenchmarkRepeatRunOver100000UnchangedResources(b *testing.B) {
	a, org, c := company(b, collect.Connector{Name: "many", New: func(json.RawMessage) (collect.Source, error) { return many{100_000}, nil }})
	ctx := context.Background()
	if err := a.Connect(ctx, org, "many", "many", nil); err != nil {
		b.Fatal(err)
	}
	first := clock.Since()
	if _, err := a.Works.Cycle(ctx, org, store.System("check.run"), "manual", nil, nil); err != nil {
		b.Fatal(err)
	}
	took := first()
	if _, err := a.Works.Cycle(ctx, org, store.System("check.run"), "manual", nil, nil); err != nil {
		b.Fatal(err)
	}
	var entries int64
	for b.Loop() {
		c.Move(time.Minute)
		before := grown(b, a, org)
		if _, err := a.Works.Cycle(ctx, org, store.System("check.run"), "manual", nil, nil); err != nil {
			b.Fatal(err)
		}
		entries = grown(b, a, org) - before
	}
	b.ReportMetric(took.Seconds(), "s/first-cycle")
	b.ReportMetric(float64(entries), "entries/cycle") // two collection runs and one check
}

func grown(b *testing.B, a *site.App, org string) int64 {
	var n int64
	if err := a.DB.View(context.Background(), org, time.Time{}, store.System("bench"), func(v *store.View) error { n = v.At; return nil }); err != nil {
		b.Fatal(err)
	}
	return n
}

// year writes a year of daily checks of 20 tests over resources, of which one result in two hundred changes each day.
func year(b *testing.B, a *site.App, org string, c *clock.Fake, resources, days int, daily ...func(day int)) {
	b.Helper()
	ctx := context.Background()
	cat, err := check.Standard()
	if err != nil {
		b.Fatal(err)
	}
	var tests []string
	for _, r := range cat.Rules() {
		if len(tests) < 20 {
			tests = append(tests, r.ID())
		}
	}
	verdict := map[bool]check.Word{true: "pass", false: "fail"}
	good := make([][]bool, len(tests))
	for day := range days {
		now := c.Now()
		id := fmt.Sprintf("chk_%06d", day)
		_, err := a.DB.Change(ctx, org, store.System("check.run"), func(tx *store.Tx) error {
			if day == 0 {
				if _, err := check.Plans.Append(ctx, tx, id, []check.Plan{{Scope: "all", Tests: at(tests)}}, nil); err != nil {
					return err
				}
			}
			var finds []check.Found
			var states []check.State
			for i, t := range tests {
				if day == 0 {
					good[i] = make([]bool, resources)
				}
				failed := int64(0)
				for r := range resources {
					if day == 0 || (r*31+i*7+day*13)%200 == 0 {
						good[i][r] = day == 0 || !good[i][r]
						f := check.Found{Test: t, Resource: fmt.Sprintf("res_%026d", r), Verdict: verdict[good[i][r]], Check: id, At: now}
						if !good[i][r] {
							f.Message, f.Observed = "it is not as it should be", map[string]any{"enabled": false}
						}
						finds = append(finds, f)
					}
					if !good[i][r] {
						failed++
					}
				}
				states = append(states, check.State{Test: t, Version: "v", Verdict: verdict[failed == 0], Reason: fmt.Sprintf("%d of %d failed", failed, resources), Evaluated: int64(resources), Failed: failed, Passed: int64(resources) - failed, Check: id, At: now})
			}
			if _, err := check.Finds.Append(ctx, tx, id, finds, nil); err != nil {
				return err
			}
			if _, err := check.States.Append(ctx, tx, id, states, nil); err != nil {
				return err
			}
			_, err := check.Checks.Append(ctx, tx, id, []check.Check{{ID: id, At: now, DataAt: now, Trigger: "schedule", Scope: "all"}}, nil)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		for _, also := range daily {
			also(day)
		}
		if day < days-1 {
			c.Move(24 * time.Hour)
		}
	}
}

func at(tests []string) []string {
	out := []string{}
	for _, t := range tests {
		out = append(out, t+"@v")
	}
	slices.Sort(out)
	return out
}

// A year of daily results of 20,000 resources and 20 tests: what it takes on disk, and how long the strip of one
// control takes when nothing of it was computed before.
func BenchmarkYearOfDailyResults(b *testing.B) {
	for _, n := range []int{50, 20_000} {
		b.Run(fmt.Sprintf("%d-resources", n), func(b *testing.B) { yearOf(b, n) })
	}
}

func yearOf(b *testing.B, resources int) {
	a, org, c := company(b)
	year(b, a, org, c, resources, 365)
	onDisk := folder(b, a.Data)
	me := site.Here(org)
	var worst time.Duration
	for b.Loop() {
		boards := &report.Boards{DB: a.DB, Rules: a.Boards.Rules} // cold: nothing is kept from before
		took := clock.Since()
		err := a.DB.View(context.Background(), org, time.Time{}, store.System("bench"), func(v *store.View) error {
			board, err := boards.Of(context.Background(), v, 365)
			if err == nil && len(board.Control("IAM-02").Letters) != 365 {
				b.Fatal("no strip of a year")
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		worst = max(worst, took())
	}
	strips := make([]time.Duration, 40)
	for i := range strips {
		boards := &report.Boards{DB: a.DB, Rules: a.Boards.Rules}
		took := clock.Since()
		if err := a.DB.View(context.Background(), org, time.Time{}, store.System("bench"), func(v *store.View) error {
			_, c, err := boards.Control(context.Background(), v, 365, "IAM-02")
			if err == nil && (c == nil || len(c.Letters) != 365) {
				b.Fatal("no strip of a year")
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
		strips[i] = took()
	}
	slices.Sort(strips)
	b.ReportMetric(float64(strips[len(strips)/2].Microseconds())/1000, "ms/cold-control-strip")
	b.ReportMetric(float64(onDisk)/1e6, "MB/disk")
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms/worst-cold-board")
	warm := clock.Since()
	for range 100 {
		if _, err := op.Do[*report.ControlStatus](context.Background(), a.Gate, me, "control.status", map[string]any{"ref": "IAM-02", "days": 365}, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(warm().Microseconds())/100/1000, "ms/control-strip")
}

func folder(b *testing.B, dir string) int64 {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			n += i.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// Home, the grid and one closed day with 500 controls, each changed ten times in a year of days, over HTTP at 8
// connections: when nothing is written, and while somebody writes twenty times a second, so that no board is kept for
// long. Beside them a bare handler that answers with as many bytes.
func BenchmarkPagesWith500ControlsAnd365Days(b *testing.B) {
	a, org, c := company(b)
	ctx := context.Background()
	change(b, a, org, "control.create", func(tx *store.Tx) error {
		for i := range 420 {
			x := &grc.Control{Ref: fmt.Sprintf("OWN-%03d", i), Title: fmt.Sprintf("Own control %d", i), Text: "What we do ourselves, and how often.", Family: "own", Set: "custom", State: "active", Weight: 1, Frequency: "continuous",
				Criteria: []string{fmt.Sprintf("CC%d.1", 1+i%9)}, Tests: []grc.ControlTest{{Test: "idp.mfa_all", Role: "required"}}}
			if err := store.Put(ctx, tx, grc.Controls, x); err != nil {
				return err
			}
		}
		return nil
	})
	year(b, a, org, c, 50, 365, func(day int) {
		change(b, a, org, "control_version.approve", func(tx *store.Tx) error {
			all, err := store.All(ctx, &tx.View, grc.Controls, map[string]any{"state": "active"})
			if err != nil {
				return err
			}
			for i, x := range all {
				if (i+day)%36 != 0 {
					continue
				}
				x.Text, x.VersionNo = fmt.Sprintf("What we do ourselves, as of day %d.", day), x.VersionNo+1
				if err := store.Put(ctx, tx, grc.Controls, x); err != nil {
					return err
				}
			}
			return nil
		})
	})
	cookie := signIn(b, a, org)
	srv := httptest.NewServer(a.Handler("bench"))
	defer srv.Close()
	var control, criterion []string // another closed day each time
	for back := 3; back < 360; back++ {
		day := c.Now().AddDate(0, 0, -back).Format(time.DateOnly)
		control, criterion = append(control, fmt.Sprintf("/monitoring/OWN-%03d/%s", back, day)), append(criterion, "/monitoring/CC6.1/"+day)
	}
	rounds := map[string][]string{"/": {"/"}, "/monitoring": {"/monitoring"}, "/monitoring?days=365": {"/monitoring?days=365"}, "/a-day-of-a-control": control,
		"/a-day-of-a-criterion": criterion}
	paths := slices.Sorted(maps.Keys(rounds))
	first := clock.Since()
	page(b, srv.URL+"/monitoring?days=365", cookie)
	cold := first()
	for _, path := range paths {
		b.Run("quiet"+path, func(b *testing.B) {
			pages(b, srv, rounds[path], cookie, 8)
			b.ReportMetric(cold.Seconds()*1000, "ms/first-of-all")
		})
	}
	stop, wrote := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(wrote)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				change(b, a, org, "task.create", func(tx *store.Tx) error {
					return store.Put(ctx, tx, grc.Tasks, &grc.Task{Title: "Look at it", State: "open", Kind: "other", Priority: "low"})
				})
			}
		}
	}()
	for _, path := range paths {
		b.Run("written"+path, func(b *testing.B) { pages(b, srv, rounds[path], cookie, 8) })
	}
	b.Run("alone/a-day-of-a-control", func(b *testing.B) { pages(b, srv, control, cookie, 1) })
	close(stop)
	<-wrote
	body := page(b, srv.URL+"/monitoring?days=365", cookie)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	defer bare.Close()
	b.Run("bare-handler", func(b *testing.B) { pages(b, bare, []string{"/"}, cookie, 8) })
}

func change(b *testing.B, a *site.App, org, name string, fn func(*store.Tx) error) {
	if _, err := a.DB.Change(context.Background(), org, store.System(name), fn); err != nil {
		b.Error(err)
	}
}

func signIn(b *testing.B, a *site.App, org string) *http.Cookie {
	url, err := a.SignInLink(context.Background(), org)
	if err != nil {
		b.Fatal(err)
	}
	_, code, _ := cut(url, "code=")
	value, err := a.Door.ByLink(context.Background(), code)
	if err != nil {
		b.Fatal(err)
	}
	return &http.Cookie{Name: a.CookieName(), Value: value}
}

func cut(s, sep string) (string, string, bool) {
	for i := 0; i+len(sep) <= len(s); i++ {
		if s[i:i+len(sep)] == sep {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

func page(b *testing.B, url string, cookie *http.Cookie) []byte {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.AddCookie(cookie)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		b.Fatalf("%s: %d %v %.200s", url, res.StatusCode, err, body)
	}
	return body
}

// pages asks for pages in turn, over some connections at once, and reports the times.
func pages(b *testing.B, srv *httptest.Server, paths []string, cookie *http.Cookie, connections int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	page(b, srv.URL+paths[0], cookie)
	var mu sync.Mutex
	var next atomic.Int64
	var all []time.Duration
	total := clock.Since()
	for b.Loop() {
		var wg sync.WaitGroup
		for range connections {
			wg.Go(func() {
				for range 10 {
					path := paths[int(next.Add(1))%len(paths)]
					took := clock.Since()
					r, _ := http.NewRequest("GET", srv.URL+path, nil)
					r.AddCookie(cookie)
					res, err := client.Do(r)
					if err != nil {
						b.Error(err)
						return
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if res.StatusCode != 200 {
						b.Errorf("%s: %d", path, res.StatusCode)
						return
					}
					d := took()
					mu.Lock()
					all = append(all, d)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/total().Seconds(), "req/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms/p99")
}
