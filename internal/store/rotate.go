// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"assay/internal/errs"
	"assay/internal/seal"
)

// Rotation is what a change of the seal key came to.
type Rotation struct {
	Key    string   `json:"key" doc:"Id of the key that now seals."`
	Sealed int64    `json:"sealed" doc:"How many secrets were sealed again."`
	Left   []string `json:"left" doc:"Things with a secret that could not be opened, because its key is not there or it was altered. They are as they were."`
}

// rotatePage is how many things one transaction seals again.
const rotatePage = 50

// Rotate makes a new key, unless keep is said, and seals every secret of an organisation with the newest one.
// Each thing gets a new revision, in which nothing else changes. It may be interrupted and repeated: what is sealed with the newest key is left
// alone, older keys stay, and at every moment each secret is sealed with a key that is there.
func (d *DB) Rotate(ctx context.Context, org string, by By, keep bool) (Rotation, error) {
	out := Rotation{Left: []string{}}
	if d.seals == nil {
		return out, errs.New(errs.Unavailable, "there is no place for the keys of secrets")
	}
	if !keep {
		if _, err := d.seals.Make(d.clock.Now()); err != nil {
			return out, err
		}
	}
	ids, err := d.seals.IDs()
	if err != nil {
		return out, err
	}
	if len(ids) == 0 {
		return out, errs.New(errs.Unavailable, "there is no key to seal secrets with").Mend("rotate without keep_key, or put a key where seal_keys says")
	}
	out.Key = ids[0]
	for _, name := range d.order {
		s := d.kinds[name]
		for from, more := "", len(s.secrets) > 0; more; {
			page := rotation{s: s, key: out.Key, from: from}
			if _, err := d.Change(ctx, org, by, func(tx *Tx) error { page.reset(from); return page.run(ctx, tx) }); err != nil {
				return out, fmt.Errorf("seal the secrets of %s again: %w", s.Plural, err)
			}
			out.Sealed += page.sealed
			out.Left = append(out.Left, page.left...)
			from, more = page.from, page.more
		}
	}
	return out, nil
}

// rotation is one page of the things of a kind.
type rotation struct {
	s      *shape
	key    string
	from   string // things after this one
	more   bool
	sealed int64
	left   []string
}

func (p *rotation) reset(from string) { p.from, p.more, p.sealed, p.left = from, false, 0, nil }

func (p *rotation) run(ctx context.Context, tx *Tx) error {
	type row struct {
		id   string
		rev  int64
		body sql.NullString
	}
	var rows []row
	err := tx.c.Each(ctx, fmt.Sprintf(`SELECT k.id, k.rev, b.body FROM %s k JOIN body b ON b.org=k.org AND b.seq=k.since WHERE k.org=$1 AND k.until=%d AND k.id>$2 ORDER BY k.id LIMIT %d`, p.s.table(), forever, rotatePage),
		[]any{tx.Org, p.from}, func(r *sql.Rows) error {
			var x row
			err := r.Scan(&x.id, &x.rev, &x.body)
			rows = append(rows, x)
			return err
		})
	if err != nil {
		return err
	}
	p.more = len(rows) == rotatePage
	for _, x := range rows {
		p.from = x.id
		if !x.body.Valid {
			continue
		}
		body, n, err := p.again(tx, x.id, x.rev+1, []byte(x.body.String))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		p.sealed += n
		if err := tx.write(ctx, p.s, x.id, x.rev+1, body, true); err != nil {
			return err
		}
	}
	return nil
}

// again seals the secrets of a body that are not sealed with the key, and counts them.
func (p *rotation) again(tx *Tx, id string, rev int64, body []byte) ([]byte, int64, error) {
	all, err := p.s.secretsIn(body)
	if err != nil {
		return nil, 0, err
	}
	names, vals, n := []string{"rev", "updated_at", "updated_by"}, [][]byte{strconv.AppendInt(nil, rev, 10), nil, nil}, int64(0)
	if vals[1], err = json.Marshal(tx.Now); err != nil {
		return nil, 0, err
	}
	if vals[2], err = Encode(tx.By.Actor); err != nil {
		return nil, 0, err
	}
	lost := false
	for i, x := range all {
		if x.IsZero() || seal.KeyOf(x.Sealed()) == p.key {
			continue
		}
		at := seal.Place{Org: tx.Org, Kind: p.s.Name, ID: id, Field: p.s.secretNames[i]}
		text := x.Clear()
		if x.Sealed() != "" {
			if text, err = tx.db.unseal(at, x.Sealed()); err != nil {
				lost = true // the others of this thing are sealed again all the same
				continue
			}
		}
		sealed, err := tx.seal(at.Kind, at.ID, at.Field, text)
		if err != nil {
			return nil, 0, err
		}
		names, vals, n = append(names, at.Field), append(vals, sealedJSON(sealed)), n+1
	}
	if lost {
		p.left = append(p.left, id)
	}
	if n == 0 {
		return nil, 0, nil
	}
	out, err := splice(body, names, vals)
	return out, n, err
}
