// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
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
// sorts nothing but the first ones of each of several values. Only where one field is filtered by and another sorted by,
// it sorts what fits, and fetches the bodies of the page alone.
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
	for _, where := range []map[string]any{nil, {"area": "a"}, {"area": "a", "owner": "o"}, {"area": []string{"a", "b", "c"}}, {"area": []string{"a", "b"}, "owner": "o"},
		{"area": []string{"a", "b"}, "owner": []string{"o", "p"}}} {
		for _, sort := range []string{"", "id", "-id", "size", "-size", "area", "-area"} {
			for _, after := range []string{"", cursor(map[bool]string{true: "a", false: "5"}[strings.HasSuffix(sort, "area")], "sto_x")} {
				x := planOf(t, d, Page{Where: where, Sort: sort, After: after})
				field := strings.TrimPrefix(sort, "-")
				_, by := where[field]
				mixed := where != nil && !by && field != "" && field != "id"
				if x.walks < 1 || x.sorts > 0 && !mixed || where != nil && x.byIndex != x.walks {
					t.Errorf("filters %v, sort %q, cursor %q: %+v", where, sort, after, x)
				}
			}
		}
	}
}

// plan is what an engine means to do: how often it walks through things, how often by the index of a field, and how often it
// sorts what it walks through.
type plan struct {
	walks, byIndex, sorts int
	lines                 []string
}

func planOf(t *testing.T, d *DB, p Page) (out plan) {
	t.Helper()
	var parents []int
	walkedIn := map[int]bool{} // parts of the plan in which things are walked through; a merge of what they end with is none
	err := d.View(t.Context(), "org_a", time.Time{}, By{}, func(v *View) error {
		q, err := d.kinds["stool"].query(v, p)
		if err != nil {
			return err
		}
		return v.c.Each(t.Context(), "EXPLAIN QUERY PLAN "+q.text, q.args, func(r *sql.Rows) error {
			var id, parent, unused int
			var line string
			err := r.Scan(&id, &parent, &unused, &line)
			if out.lines, parents = append(out.lines, line), append(parents, parent); strings.HasPrefix(line, "SEARCH k USING") {
				walkedIn[parent] = true
				out.walks++
				if strings.Contains(line, "INDEX is_stool_") {
					out.byIndex++
				}
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range out.lines {
		if strings.Contains(line, "TEMP B-TREE") && walkedIn[parents[i]] {
			out.sorts++
		}
	}
	return out
}

// Explain runs the statement of a list and gives what the engine says that it did: for tests of PostgreSQL.
func Explain(ctx context.Context, v *View, kindName string, p Page) (lines []string, err error) {
	q, err := v.db.kinds[kindName].query(v, p)
	if err != nil {
		return nil, err
	}
	err = v.c.Each(ctx, "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) "+q.text, q.args, func(r *sql.Rows) error {
		var line string
		err := r.Scan(&line)
		lines = append(lines, line)
		return err
	})
	return lines, err
}
