// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/store"
	"assay/internal/testkit"
)

// Whatever is filtered by, with one value or several, and sorted by: page after page gives what is left of everything when all
// is read and filtered in memory, in the same order, now and in the past.
func TestPagingThroughAFilterGivesWhatMemoryGives(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		rnd := testkit.Seed(t)
		labels := []string{"", "a", "B", "b", "é", "z z"}
		var all []*crate
		change := func(n int) {
			write(t, h, func(ctx context.Context, tx *store.Tx) error {
				for range n {
					c := &crate{}
					if len(all) > 0 && rnd.IntN(3) == 0 {
						c = all[rnd.IntN(len(all))]
					} else {
						all = append(all, c)
					}
					c.Title, c.Size, c.Label = "x", rnd.IntN(4), labels[rnd.IntN(len(labels))]
					if err := store.Put(ctx, tx, crates, c); err != nil {
						return err
					}
				}
				return nil
			})
		}
		change(90)
		then := h.Clock.Now()
		var was []crate
		for _, c := range all {
			was = append(was, *c)
		}
		h.Clock.Move(time.Hour)
		change(60)
		var is []crate
		for _, c := range all {
			is = append(is, *c)
		}
		for range 150 {
			where, sort, limit := anyQuestion(rnd, labels)
			for _, at := range []struct {
				moment time.Time
				all    []crate
			}{{time.Time{}, is}, {then, was}} {
				see(t, h, at.moment, func(ctx context.Context, v *store.View) error {
					var got []string
					for p := (store.Page{Where: where, Sort: sort, Limit: limit}); ; {
						some, next, err := store.List(ctx, v, crates, p)
						if err != nil {
							return fmt.Errorf("%v by %q: %w", where, sort, err)
						}
						if len(some) > limit {
							t.Fatalf("a page of %d has %d", limit, len(some))
						}
						for _, c := range some {
							got = append(got, c.ID)
						}
						if p.After = next; next == "" {
							break
						}
					}
					if want := inMemory(at.all, where, sort); !slices.Equal(got, want) {
						t.Errorf("%v by %q, %d a page: got %v\nwant %v", where, sort, limit, got, want)
					}
					return nil
				})
			}
		}
	})
}

func anyQuestion(rnd *rand.Rand, labels []string) (map[string]any, string, int) {
	where := map[string]any{}
	if rnd.IntN(5) > 0 {
		var in []string
		for range rnd.IntN(5) { // none, one, several, and the same twice
			in = append(in, append(labels, "nobody has it")[rnd.IntN(len(labels)+1)])
		}
		where["label"] = append([]string{}, in...)
		switch rnd.IntN(5) {
		case 0:
			where["label"] = labels[rnd.IntN(len(labels))]
		case 1: // more than are asked for one by one
			for i := range 100 {
				in = append(in, fmt.Sprint(i))
			}
			where["label"] = in
		}
	}
	if rnd.IntN(3) == 0 {
		where["size"] = int64(rnd.IntN(4))
	}
	sort := []string{"", "id", "size", "label"}[rnd.IntN(4)]
	if sort != "" && rnd.IntN(2) == 0 {
		sort = "-" + sort
	}
	return where, sort, 1 + rnd.IntN(30)
}

func inMemory(all []crate, where map[string]any, sort string) []string {
	var fits []crate
	for _, c := range all {
		ok := true
		switch l := where["label"].(type) {
		case string:
			ok = c.Label == l
		case []string:
			ok = slices.Contains(l, c.Label)
		}
		if n, asked := where["size"].(int64); asked && int64(c.Size) != n {
			ok = false
		}
		if ok {
			fits = append(fits, c)
		}
	}
	by, desc := strings.CutPrefix(sort, "-")
	slices.SortFunc(fits, func(a, b crate) int {
		n := 0
		switch by {
		case "size":
			n = cmp.Compare(a.Size, b.Size)
		case "label":
			n = strings.Compare(a.Label, b.Label)
		}
		if n = cmp.Or(n, strings.Compare(a.ID, b.ID)); desc {
			n = -n
		}
		return n
	})
	var out []string
	for _, c := range fits {
		out = append(out, c.ID)
	}
	return out
}

var rowsRead = regexp.MustCompile(`actual rows=(\d+)`)

// PostgreSQL reads a page of each value, and not what fits.
func TestPostgresReadsAPageOfEachValue(t *testing.T) {
	if testkit.Fast() {
		t.Skip("it starts PostgreSQL: ASSAY_TESTS=all")
	}
	h := testkit.Postgres(t, addCrates)
	write(t, h, func(ctx context.Context, tx *store.Tx) error {
		for i := range 3000 {
			if err := store.Put(ctx, tx, crates, &crate{Title: "x", Label: string(rune('a' + i%5))}); err != nil {
				return err
			}
		}
		return nil
	})
	c, err := sql.Open("pgx", h.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Exec("ANALYZE"); err != nil {
		t.Fatal(err)
	}
	see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
		for _, sort := range []string{"", "-id", "label", "-label"} {
			p := store.Page{Where: map[string]any{"label": []string{"a", "b", "c"}}, Sort: sort, Limit: 10}
			for range 3 {
				lines, err := store.Explain(ctx, v, "crate", p)
				if err != nil {
					return err
				}
				if len(rowsRead.FindAllString(strings.Join(lines, " "), -1)) < 3 {
					t.Fatalf("the plan says nothing about rows: %v", lines)
				}
				for _, l := range lines {
					if m := rowsRead.FindStringSubmatch(l); m != nil {
						if n, err := strconv.Atoi(m[1]); err != nil || n > 3*11 {
							t.Errorf("by %q: %s", sort, strings.Join(lines, "\n"))
						}
					}
				}
				if _, p.After, err = store.List(ctx, v, crates, p); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
