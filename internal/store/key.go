// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
)

// keyColumn is a column beside those of the fields: the key of a thing as it is compared. Its name is that of no field.
const keyColumn = "~key"

// A Holder is a thing that a key names.
type Holder struct {
	ID, Key, State string
	Ended          bool
}

// Holder finds the thing, but for one, that a key names: one that has it, or one that was ended, had it to the last and was
// approved at some time. Where a version of that one was disposed of nobody knows whether it was, and it counts as if.
// It reads one index, whatever the kind holds.
func (v *View) Holder(ctx context.Context, kindName, but, key string) (*Holder, error) {
	s := v.db.kinds[kindName]
	if s == nil || s.keyAt < 0 {
		return nil, errs.New(errs.NotFound, "there is no key of %s", kindName)
	}
	t, at := s.table(), v.At
	if v.inTx { // what this operation wrote counts too
		at = forever
	}
	last := fmt.Sprintf(`NOT EXISTS (SELECT 1 FROM %s n WHERE n.org=k.org AND n.id=k.id AND n.since>k.since AND n.since<$2)`, t)
	holds := `(k.until>=$2 OR ` + s.maybeSettled("$2") + `)`
	var since, until int64
	var id string
	found, err := v.c.One(ctx, fmt.Sprintf(`SELECT k.id, k.since, k.until FROM %s k WHERE k.org=$1 AND k.since<$2 AND k.%q=$3 AND k.id<>$4 AND %s AND %s%s LIMIT 1`,
		t, keyColumn, last, holds, v.seen(s, "k.id")), []any{v.Org, at, kind.FoldedKey(key), but}, &id, &since, &until)
	if err != nil || !found {
		return nil, err
	}
	e, err := v.Entry(ctx, since)
	if err != nil {
		return nil, err
	}
	h := &Holder{ID: id, Key: key, Ended: until < at}
	var all map[string]any
	if json.Unmarshal(e.Body, &all) == nil {
		if is, ok := all[s.Key].(string); ok {
			h.Key = is
		}
		h.State, _ = all["state"].(string)
	}
	return h, nil
}

// maybeSettled is the condition that a thing may have been in a state in which what was approved stands: it was, or a version of
// it was disposed of.
func (s *shape) maybeSettled(at string) string {
	is := fmt.Sprintf(`k.rev>(SELECT COUNT(*) FROM %s c WHERE c.org=k.org AND c.id=k.id AND c.since<%s)`, s.table(), at)
	f, ok := s.Field("state")
	if !ok || !f.Index {
		return is
	}
	var in []string
	for _, x := range f.Enum {
		if s.Settled(x) {
			in = append(in, "'"+x+"'")
		}
	}
	if len(in) == 0 {
		return is
	}
	return is + fmt.Sprintf(` OR EXISTS (SELECT 1 FROM %s x WHERE x.org=k.org AND x.id=k.id AND x.since<%s AND x.state IN (%s))`, s.table(), at, strings.Join(in, ","))
}

// named holds that the name of what may have been approved is told by one entry at least: another thing could take it, and what
// counts by it would count by that one. What has a newer version loses the older ones.
func (tx *Tx) named(ctx context.Context, made []Version) error {
	for _, e := range made {
		s := tx.db.kinds[e.Kind]
		if s == nil || s.keyAt < 0 {
			continue
		}
		found, err := tx.c.One(ctx, fmt.Sprintf(`SELECT k.id FROM %[1]s k WHERE k.org=$1 AND k.id=$2 AND k.since=$3 AND NOT EXISTS (SELECT 1 FROM %[1]s n WHERE n.org=k.org AND n.id=k.id AND n.since>k.since) AND (%[2]s)`,
			s.table(), s.maybeSettled("$4")), []any{tx.Org, e.ID, e.Seq, int64(forever)}, new(string))
		if err != nil {
			return err
		}
		if found {
			return errs.At("entries", "entry %d is the last that tells the %s of a %s that was approved", e.Seq, s.Key, s.Name).Mend("change the %s first; then its older versions can be removed", s.Name)
		}
	}
	return nil
}

// column is what stands in a column of the index table, by its place.
func (s *shape) column(i int, vals [][]byte) (t []byte, n int64, err error) {
	if s.index[i].Name == keyColumn {
		t, _, err = value(s.index[i], vals[s.keyAt])
		return []byte(kind.FoldedKey(string(t))), 0, err
	}
	return value(s.index[i], vals[i])
}
