// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/seal"
)

// Reveal opens a secret of a thing: for the code that needs it, never for an answer.
func Reveal[T any, P kind.Thing[T]](v *View, k kind.Kind[T], t P, field string) (string, error) {
	f, ok := k.Shape().Field(field)
	if !ok || !f.Secret {
		return "", fmt.Errorf("kind %s has no secret %q", k.Name, field)
	}
	x := secretAt(reflect.ValueOf(t).Elem(), f)
	if x.Sealed() == "" {
		return x.Clear(), nil // there is none, or it was stored before secrets were sealed
	}
	return v.db.unseal(seal.Place{Org: v.Org, Kind: k.Name, ID: t.Base().ID, Field: field}, x.Sealed())
}

func (d *DB) unseal(p seal.Place, sealed string) (string, error) {
	if d.seals == nil {
		return "", seal.Missing(seal.KeyOf(sealed))
	}
	return d.seals.Open(p, sealed)
}

func secretAt(rv reflect.Value, f kind.Field) kind.Secret {
	s, _ := rv.FieldByIndex(f.At).Interface().(kind.Secret)
	return s
}

// sealAll seals the secrets of a thing that were given in clear. One that nobody gave keeps its bytes; one that is
// sealed already must be the one that stands there, so that none is moved from thing to thing. old is not valid for a new thing.
func (tx *Tx) sealAll(s *shape, id string, rv, old reflect.Value) error {
	for _, f := range s.secrets {
		x := secretAt(rv, f)
		if sealed := x.Sealed(); sealed != "" {
			if !old.IsValid() || secretAt(old, f).Sealed() != sealed {
				return fmt.Errorf("write %s: %s is a sealed value that does not stand there", s.Name, f.Name)
			}
			continue
		}
		if x.IsZero() {
			continue
		}
		sealed, err := tx.seal(s.Name, id, f.Name, x.Clear())
		if err != nil {
			return err
		}
		rv.FieldByIndex(f.At).Set(reflect.ValueOf(kind.SealedSecret(sealed)))
	}
	return nil
}

func (tx *Tx) seal(kindName, id, field, text string) (string, error) {
	if text == kind.SecretMark {
		return "", errs.At(field, "is the mark that stands in the place of a secret, not a secret").Mend("leave it out to keep the secret that is there")
	}
	if tx.db.seals == nil {
		return "", errs.New(errs.Unavailable, "there is no place for the keys of secrets; nothing was written")
	}
	return tx.db.seals.Seal(seal.Place{Org: tx.Org, Kind: kindName, ID: id, Field: field}, text)
}

// withSecrets puts the sealed values into a body, in which marks stand for them.
func (s *shape) withSecrets(body []byte, rv reflect.Value) ([]byte, error) {
	vals := make([][]byte, len(s.secrets))
	for i, f := range s.secrets {
		if x := secretAt(rv, f).Sealed(); x != "" {
			vals[i] = sealedJSON(x)
		}
	}
	return splice(body, s.secretNames, vals)
}

// sealedJSON is how a sealed secret stands in a body. It has no characters that JSON would escape.
func sealedJSON(sealed string) []byte { return []byte(`{"sealed":"` + sealed + `"}`) }

// splice puts other values into the outermost object of a body, in the place of those of the named fields, and leaves
// every other byte as it is. A nil value leaves what is there.
func splice(body []byte, names []string, vals [][]byte) ([]byte, error) {
	at := make([][]byte, len(names))
	if err := pick(body, names, at); err != nil {
		return nil, err
	}
	out, from := make([]byte, 0, len(body)+256), 0
	for {
		next := -1 // the first of those that are left
		for i := range at {
			if at[i] != nil && vals[i] != nil && offset(body, at[i]) >= from && (next < 0 || offset(body, at[i]) < offset(body, at[next])) {
				next = i
			}
		}
		if next < 0 {
			return append(out, body[from:]...), nil
		}
		o := offset(body, at[next])
		out = append(append(out, body[from:o]...), vals[next]...)
		from = o + len(at[next])
	}
}

// offset says where in a body a part of it begins: both end with the same memory.
func offset(body, part []byte) int { return cap(body) - cap(part) }

// SecretStatus is how the secrets of an organisation, or of all, are sealed now.
type SecretStatus struct {
	Keys   []string       `json:"keys" doc:"Ids of the keys that are there, the newest first: it seals."`
	Sealed map[string]int `json:"sealed" doc:"How many secrets are sealed, by the id of the key."`
	Clear  int            `json:"clear" doc:"How many were stored before secrets were sealed. Rotating seals them."`
	Lost   []string       `json:"lost" doc:"Ids of keys that secrets are sealed with and that are not there."`
}

// Trouble says that secrets cannot be opened, or nothing.
func (s SecretStatus) Trouble() error {
	if len(s.Lost) == 0 {
		return nil
	}
	n := 0
	for _, k := range s.Lost {
		n += s.Sealed[k]
	}
	what := fmt.Sprintf("%d secrets are sealed with a key that is", n)
	if n == 1 {
		what = "1 secret is sealed with a key that is"
	}
	return errs.New(errs.Unavailable, "%s not there (%.40s); nothing is lost, and it cannot be used until the key is back", what, s.Lost[0]).
		Mend("put the file of that key back into the folder of the keys. Until then people sign in with one-time links: assay user link")
}

// Secrets says how the secrets of the organisation are sealed, at the moment of the view.
func (v *View) Secrets(ctx context.Context) (SecretStatus, error) {
	where, args := `k.org=$1 AND `+v.span("k.", "since", 2), []any{v.Org}
	if v.Past {
		args = append(args, v.At)
	}
	return v.db.secretStatus(ctx, v.c.Each, where, args)
}

type each func(ctx context.Context, q string, args []any, fn func(*sql.Rows) error) error

func (d *DB) secretStatus(ctx context.Context, read each, where string, args []any) (SecretStatus, error) {
	out := SecretStatus{Keys: []string{}, Sealed: map[string]int{}, Lost: []string{}}
	var err error
	if d.seals != nil {
		if out.Keys, err = d.seals.IDs(); err != nil {
			return out, err
		}
	}
	for _, name := range d.order {
		s := d.kinds[name]
		if len(s.secrets) == 0 {
			continue
		}
		err := read(ctx, `SELECT b.body FROM `+s.table()+` k JOIN body b ON b.org=k.org AND b.seq=k.since WHERE `+where, args, func(r *sql.Rows) error {
			var body sql.NullString
			if err := r.Scan(&body); err != nil || !body.Valid {
				return err
			}
			all, err := s.secretsIn([]byte(body.String))
			for _, x := range all {
				if x.Sealed() != "" {
					out.Sealed[seal.KeyOf(x.Sealed())]++
				} else if !x.IsZero() {
					out.Clear++
				}
			}
			return err
		})
		if err != nil {
			return out, fmt.Errorf("look at the secrets of %s: %w", s.Plural, err)
		}
	}
	there := map[string]bool{}
	for _, k := range out.Keys {
		there[k] = true
	}
	for k := range out.Sealed {
		if !there[k] {
			out.Lost = append(out.Lost, k)
		}
	}
	return out, nil
}

// secretsIn reads the secrets of a body, in the order of the kind.
func (s *shape) secretsIn(body []byte) ([]kind.Secret, error) {
	vals := make([][]byte, len(s.secrets))
	if err := pick(body, s.secretNames, vals); err != nil {
		return nil, err
	}
	out := make([]kind.Secret, len(vals))
	for i, raw := range vals {
		if raw == nil {
			continue
		}
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.secretNames[i], err)
		}
	}
	return out, nil
}

// unread is what was found last when all secrets of all organisations were looked at.
type unread struct {
	sync.Mutex
	at   time.Time
	keys string // the ids of the keys that were there
	err  error
}

// SecretTrouble says that somebody's secrets cannot be opened. It looks at most once in a minute, unless keys came or went.
func (d *DB) SecretTrouble(ctx context.Context) error {
	if d.seals == nil {
		return nil
	}
	ids, err := d.seals.IDs()
	if err != nil {
		return err
	}
	u := &d.unread
	u.Lock()
	defer u.Unlock()
	now := d.clock.Now()
	if len(ids) > 0 && !u.at.IsZero() && u.keys == strings.Join(ids, " ") && now.Sub(u.at) < time.Minute {
		return u.err
	}
	c, err := d.sql.Reader(ctx)
	if err != nil {
		return err
	}
	s, err := d.secretStatus(ctx, c.Each, fmt.Sprintf("k.until=%d", forever), nil)
	d.sql.Release(c, err != nil)
	if err != nil {
		return err
	}
	u.at, u.keys, u.err = now, strings.Join(ids, " "), s.Trouble()
	return u.err
}

// firstSeal makes the first key, where nothing was sealed yet. Where something was, the keys were lost: a new one in
// their place would hide that, and be overwritten when they are put back.
func (d *DB) firstSeal(ctx context.Context) error {
	if d.seals == nil || !slices.ContainsFunc(d.order, func(n string) bool { return len(d.kinds[n].secrets) > 0 }) {
		return nil
	}
	ids, err := d.seals.IDs()
	if err != nil || len(ids) > 0 {
		if d.seals.Given || err == nil {
			return err
		}
		return nil // a file that cannot be read now is said at the time of use, and by readyz and status
	}
	err = d.SecretTrouble(ctx)
	if errors.Is(err, errs.Unavailable) {
		return nil
	}
	if err == nil && !d.seals.Given {
		_, err = d.seals.Make(d.clock.Now())
	}
	return err
}
