// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"

	"assay/internal/db"
)

// engine has SQLite look over its own file: a bit that flips in a key on the disk leaves a row in a place
// where it is found under the right key and says another, and one in an index leaves lists that are not
// what the table says. It reads every page, so it is done only where files are read too. PostgreSQL keeps
// checksums of its own.
func (v *verifier) engine(ctx context.Context, c *db.Conn) error {
	if v.d.sql.Engine != db.SQLite {
		return nil
	}
	return c.Each(ctx, `PRAGMA integrity_check(20)`, nil, func(r *sql.Rows) error {
		var said text
		if err := r.Scan(&said); err != nil {
			return err
		}
		if said.s != "ok" {
			v.bad(Altered, -1, "database file", "the engine says: %s", clip(said.s))
		}
		return nil
	})
}
