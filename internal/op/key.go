// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"fmt"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// keyOf is the key of a thing.
func keyOf(sh kind.Shape, body json.RawMessage) (string, error) {
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return "", fmt.Errorf("read %s of a %s: %w", sh.Key, sh.Name, err)
	}
	key, _ := all[sh.Key].(string)
	return key, nil
}

// keyed holds that the key by which others name a thing is its alone, and stays once it was approved: what counts by it would
// count by something that nobody approved for it. was is nil for a new thing.
func keyed(ctx context.Context, v *store.View, sh kind.Shape, id string, was, now json.RawMessage) error {
	if sh.Key == "" {
		return nil
	}
	key, err := keyOf(sh, now)
	if err != nil {
		return err
	}
	if was != nil {
		old, err := keyOf(sh, was)
		if err != nil || old == key {
			return err
		}
		once, _, err := settledOnce(ctx, v, sh, id)
		if err != nil {
			return err
		}
		if once != "" {
			return (&errs.Error{Code: errs.Conflict, Field: sh.Key, Text: "can't be changed: this " + Title(sh.Name) + " was " + Title(once) + " as " + old}).Mend("add a new %s", Title(sh.Name))
		}
	}
	return untaken(ctx, v.Whole(), sh, id, key)
}

// untaken refuses a key that another thing has, or had when it was approved: that one is changed, and never made again.
func untaken(ctx context.Context, v *store.View, sh kind.Shape, id, key string) error {
	h, err := v.Holder(ctx, sh.Name, id, key)
	switch {
	case err != nil || h == nil:
		return err
	case h.Ended:
		return taken(sh, h.Key, "deleted").Mend("choose another %s", Title(sh.Key))
	}
	return taken(sh, h.Key, h.State).Mend("change that one, or choose another %s", Title(sh.Key))
}

func taken(sh kind.Shape, key, state string) *errs.Error {
	e := &errs.Error{Code: errs.Invalid, Field: sh.Key, Text: "there is already a " + Title(sh.Name) + " " + key}
	if state != "" {
		e.Text += ", which is " + Title(state)
	}
	return e
}
