// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"testing"

	"assay/internal/grc"
	"assay/internal/store"
)

// A search in a list looks at all of it, however many pages it has: also where the one that fits is the last.
func TestASearchFindsTheLastOfManyThings(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		const many = 1200
		_, err := p.app.DB.Change(t.Context(), p.org, store.System("test"), func(tx *store.Tx) error {
			for i := range many {
				title := fmt.Sprintf("Number %d", i)
				if i == many-1 {
					title = "The needle"
				}
				if err := store.Put(t.Context(), tx, grc.Tasks, &grc.Task{Title: title, Priority: "medium", State: "open"}); err != nil {
					return err
				}
				if err := store.Put(t.Context(), tx, grc.Evidences, &grc.Evidence{Title: title, Type: "report", SourceKind: "upload", Classification: "internal", State: "draft"}); err != nil {
					return err
				}
			}
			return nil
		})
		fine(t, err)
		p.signIn()
		p.wants(p.get("/tasks?q=NEEDLE"), 200, "The needle", "1 shown")
		p.wants(p.get("/evidence?q=NEEDLE"), 200, "The needle", "1 shown", "of 1,200 items")
		p.wants(p.get("/evidence"), 200, "1,000 of 1,200 shown")
		p.wants(p.get("/tasks?q=number"), 200, "1,000 of 1,199 shown")
	})
}
