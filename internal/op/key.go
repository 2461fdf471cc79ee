// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// keyOf is the key of a thing, and its state.
func keyOf(sh kind.Shape, body json.RawMessage) (key, state string, err error) {
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return "", "", fmt.Errorf("read %s of a %s: %w", sh.Key, sh.Name, err)
	}
	key, _ = all[sh.Key].(string)
	state, _ = all["state"].(string)
	return key, state, nil
}

// sameKey says whether two keys name the same: case and spaces tell nobody apart.
func sameKey(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// keyed holds that the key by which others name a thing is its alone, and stays once it was approved: what counts by it would
// count by something that nobody approved for it. was is nil for a new thing.
func keyed(ctx context.Context, v *store.View, sh kind.Shape, id string, was, now json.RawMessage) error {
	if sh.Key == "" {
		return nil
	}
	key, _, err := keyOf(sh, now)
	if err != nil {
		return err
	}
	if was != nil {
		old, _, err := keyOf(sh, was)
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
	for p := (store.Page{Limit: 1000}); ; {
		l, err := v.List(ctx, sh.Name, p)
		if err != nil {
			return err
		}
		for i, b := range l.Bodies {
			k, state, err := keyOf(sh, json.RawMessage(b))
			if err != nil {
				return err
			}
			if sameKey(k, key) && l.IDs[i] != id {
				return taken(sh, k, state).Mend("change that one, or choose another %s", Title(sh.Key))
			}
		}
		if p.After = l.Next; p.After == "" {
			break
		}
	}
	ended, err := v.Ended(ctx, sh.Name)
	if err != nil {
		return err
	}
	for _, e := range ended {
		if e.Was.Body == nil {
			continue // it was disposed of
		}
		k, _, err := keyOf(sh, e.Was.Body)
		if err != nil {
			return err
		}
		if !sameKey(k, key) {
			continue
		}
		if once, _, err := settledOnce(ctx, v, sh, e.By.ID); err != nil {
			return err
		} else if once != "" {
			return taken(sh, k, "deleted").Mend("choose another %s", Title(sh.Key))
		}
	}
	return nil
}

func taken(sh kind.Shape, key, state string) *errs.Error {
	e := &errs.Error{Code: errs.Invalid, Field: sh.Key, Text: "there is already a " + Title(sh.Name) + " " + key}
	if state != "" {
		e.Text += ", which is " + Title(state)
	}
	return e
}
