// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"assay/internal/errs"
	"assay/internal/store"
)

// present holds that whoever decides works here on this day: not somebody who has left or not started, who is away, or whose
// record was deleted. An account that is still open decides nothing by itself.
func present(ctx context.Context, v *store.View, person string) error {
	why, err := absent(ctx, v.Whole(), person)
	if err != nil || why == "" {
		return err
	}
	return errs.New(errs.Denied, "only an active person can do this, and the person linked to your account %s", why).
		Mend("ask another approver; if the record is wrong, ask a compliance manager to correct it")
}

// Present holds whoever asks to the same, for operations of which only a part is a decision.
func Present(ctx context.Context, v *store.View) error {
	a, err := ActorOf(ctx)
	if err != nil {
		return err
	}
	return present(ctx, v, a.Person)
}

// absent says why a person cannot decide today; nothing where they can. It knows people by the name of their kind and fields.
func absent(ctx context.Context, v *store.View, id string) (string, error) {
	if _, known := v.Shape("person"); !known {
		return "", nil
	}
	body, _, err := v.Body(ctx, "person", id)
	if errors.Is(err, errs.NotFound) {
		if err := v.Resolve(ctx, "person", "person", id, true); err == nil {
			return "was deleted", nil
		} else if !errors.Is(err, errs.NotFound) {
			return "", err
		}
		return "", nil // there never was one, and an account is linked to records only
	}
	var p struct {
		State   string `json:"state"`
		StartOn string `json:"start_on"`
		EndOn   string `json:"end_on"`
	}
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return "", fmt.Errorf("read person: %w", err)
	}
	today := ""
	if p.StartOn != "" || p.EndOn != "" {
		if today, err = dayOf(ctx, v); err != nil {
			return "", err
		}
	}
	switch {
	case p.EndOn != "" && p.EndOn < today:
		return "left on " + p.EndOn, nil
	case p.State == "terminated" && p.EndOn == "":
		return "has left", nil
	case p.State == "candidate":
		return "has not started yet", nil
	case p.State == "leave":
		return "is on leave", nil
	case p.StartOn > today:
		return "starts on " + p.StartOn, nil
	}
	return "", nil
}

// dayOf is the day that it is in the organisation, where that is known; else in UTC.
func dayOf(ctx context.Context, v *store.View) (string, error) {
	if g, _ := ctx.Value(gateKey{}).(*Gate); g != nil && g.Today != nil {
		return g.Today(ctx, v)
	}
	return v.Now.Format(time.DateOnly), nil
}
