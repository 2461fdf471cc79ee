// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/kind"
	"assay/internal/ledger"
)

type stool struct {
	kind.Meta
	Title string `json:"title" doc:"What it is called." min:"1"`
	Area  string `json:"area" doc:"Where it stands." index:""`
	Owner string `json:"owner" doc:"Whose it is." index:""`
	Size  int64  `json:"size" doc:"How large it is." index:""`
}

// A page of a list costs a page, however many things there are: the engine walks in the order that is asked for, and
// sorts nothing. Only where one field is filtered by and another sorted by, it sorts what fits, and fetches the bodies of
// the page alone.
func TestAPageOfAListIsReadWithoutSortingTheKind(t *testing.T) {
	dir := t.TempDir()
	conn, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	stools := kind.Kind[stool]{Name: "stool", Plural: "stools", Prefix: "sto", Doc: "A stool is for tests.", Object: "risks", Label: "title"}
	d, err := Open(t.Context(), conn, Options{Kinds: []kind.Shape{stools.Shape()}, Keys: &ledger.Keys{Dir: filepath.Join(dir, "keys")}, Anchors: &ledger.Anchors{Dir: filepath.Join(dir, "anchor")}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plan := func(p Page) (out []string) {
		if err := d.View(t.Context(), "org_a", time.Time{}, By{}, func(v *View) error {
			q, err := d.kinds["stool"].query(v, p)
			if err != nil {
				return err
			}
			return v.c.Each(t.Context(), "EXPLAIN QUERY PLAN "+q.text, q.args, func(r *sql.Rows) error {
				var id, parent, unused int
				var line string
				err := r.Scan(&id, &parent, &unused, &line)
				out = append(out, line)
				return err
			})
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	after := cursor("5", "sto_x")
	for _, where := range []map[string]any{nil, {"area": "a"}, {"area": "a", "owner": "o"}} {
		for _, sort := range []string{"", "id", "-id", "size", "-size", "area", "-area"} {
			for _, after := range []string{"", after} {
				lines := plan(Page{Where: where, Sort: sort, After: after})
				sorts, walks := 0, 0
				for _, l := range lines {
					if strings.Contains(l, "TEMP B-TREE") {
						sorts++
					}
					if strings.HasPrefix(l, "SEARCH k USING") {
						walks++
					}
				}
				mixed := where != nil && sort != "" && !strings.HasSuffix(sort, "id")
				if walks != 1 || sorts > 0 && !mixed {
					t.Errorf("filters %v, sort %q, cursor %q:\n%s", where, sort, after, strings.Join(lines, "\n"))
				}
			}
		}
	}
}
