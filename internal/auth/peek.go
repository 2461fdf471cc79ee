// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/id"
	"assay/internal/op"
	"assay/internal/store"
)

// Peek is ByCookie for a page that asks by itself: it does not count as use, so that a page left open does not
// keep a session alive.
func (d Door) Peek(ctx context.Context, cookie string) (op.Actor, error) {
	out := errs.New(errs.Unsigned, "your session has ended").Mend("sign in again")
	org, secret, ok := strings.Cut(cookie, ".")
	if !ok || !id.Valid("org", org) {
		return op.Actor{}, out
	}
	var a op.Actor
	now := d.DB.Clock().Now()
	err := d.DB.View(ctx, org, time.Time{}, store.System("session.use"), func(v *store.View) error {
		val, found, err := v.Slip(ctx, sessionSpace, digest(secret))
		if err != nil || !found {
			return orElse(err, out)
		}
		user, rest, _ := strings.Cut(val, " ")
		var s session
		if err := json.Unmarshal([]byte(rest), &s); err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if now.Sub(s.Seen) > time.Duration(s.Idle)*time.Second {
			return out
		}
		a, err = signedIn(ctx, v, user, secret)
		return err
	})
	return a, err
}
