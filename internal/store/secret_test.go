// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A vault is the throwaway kind with secrets: they cost their fields, and nothing else.
type vault struct {
	kind.Meta
	Title string      `json:"title" doc:"What it is called." index:""`
	Code  kind.Secret `json:"code" doc:"What opens it."`
	Notes string      `json:"notes" doc:"What stands beside it."`
	Spare kind.Secret `json:"spare" doc:"What else opens it." max:"3000"`
}

var vaults = kind.Kind[vault]{Name: "vault", Plural: "vaults", Prefix: "vlt", Doc: "A vault is for tests.", Object: "risks", Label: "title"}

func addVaults(s *op.Set) {
	addCrates(s)
	op.Kind(s, vaults)
}

const code, spare = "horse-battery-7411", "staple-correct-2203"

func ask(t *testing.T, h *testkit.House, name string, in any) (map[string]any, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ans, err := h.Gate.Call(t.Context(), testkit.As(op.Manager), op.Call{Op: name, In: raw, Key: fmt.Sprint(name, string(raw))})
	if err != nil {
		return nil, err
	}
	b, err := store.Encode(ans.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{code, spare, `"sealed":`, `"code"`, `"spare"`} {
		if bytes.Contains(b, []byte(s)) {
			t.Errorf("%s answers %s", name, b)
		}
	}
	out := map[string]any{}
	return out, json.Unmarshal(b, &out)
}

func does(t *testing.T, h *testkit.House, name string, in any) map[string]any {
	t.Helper()
	out, err := ask(t, h, name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// opened opens the secrets of a vault, as of a moment.
func opened(t *testing.T, h *testkit.House, id string, asOf time.Time) (one, two string, err error) {
	t.Helper()
	see(t, h, asOf, func(ctx context.Context, v *store.View) error {
		x, e := store.Get(ctx, v, vaults, id)
		if e != nil {
			return e
		}
		one, err = store.Reveal(v, vaults, x, "code")
		two, e = store.Reveal(v, vaults, x, "spare")
		err = errors.Join(err, e)
		return nil
	})
	return one, two, err
}

func holdsBoth(t *testing.T, h *testkit.House, id, one, two string) {
	t.Helper()
	a, b, err := opened(t, h, id, time.Time{})
	if err != nil || a != one || b != two {
		t.Errorf("it holds %q and %q (%v), want %q and %q", a, b, err, one, two)
	}
}

// stored is a vault as it stands in the ledger: its body, and of it the two secrets.
func stored(t *testing.T, h *testkit.House, id string) (body, one, two string) {
	t.Helper()
	see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
		b, _, err := v.Body(ctx, "vault", id)
		var m map[string]json.RawMessage
		err = errors.Join(err, json.Unmarshal(b, &m))
		body, one, two = string(b), string(m["code"]), string(m["spare"])
		return err
	})
	return body, one, two
}

func TestASecretIsWrittenThroughAFaceAndStandsSealed(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		v := does(t, h, "vault.create", map[string]any{"title": "First", "code": code, "notes": `a "quoted" {"sealed":"note"}`, "spare": spare})
		id := v["id"].(string)
		holdsBoth(t, h, id, code, spare)
		body, one, two := stored(t, h, id)
		if strings.Contains(body, code) || strings.Contains(body, spare) || !strings.HasPrefix(one, `{"sealed":"`) || one == two {
			t.Errorf("stored as %s", body)
		}
		for name, in := range map[string]string{"vault.get": `{"id":"` + id + `"}`, "vault.history": `{"id":"` + id + `"}`, "vault.list": `{}`} {
			ans, err := h.Gate.Call(t.Context(), testkit.As(op.Manager), op.Call{Op: name, In: json.RawMessage(in)})
			if err != nil {
				t.Fatal(err)
			}
			b, err := store.Encode(ans.Out)
			if err != nil || strings.Contains(string(b), `"code"`) || strings.Contains(string(b), `"sealed":`) || !strings.Contains(string(b), id) {
				t.Errorf("%s: %v %s", name, err, b)
			}
		}
		sound(t, h)
	})
}

func TestWhoGivesNoSecretKeepsItByteForByteAndWhoGivesNoneRemovesIt(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		id := does(t, h, "vault.create", map[string]any{"title": "First", "code": code, "spare": spare})["id"].(string)
		_, one, two := stored(t, h, id)
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 1, "title": "Second"})
		if _, a, b := stored(t, h, id); a != one || b != two {
			t.Errorf("untouched, they became %s and %s", a, b)
		}
		holdsBoth(t, h, id, code, spare)
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 2, "code": "another-code-99"})
		if _, a, b := stored(t, h, id); a == one || b != two {
			t.Errorf("after one was set: %s and %s", a, b)
		}
		holdsBoth(t, h, id, "another-code-99", spare)
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 3, "code": ""})
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 4, "spare": nil})
		if body, a, b := stored(t, h, id); a != "null" || b != "null" {
			t.Errorf("removed, the body is %s", body)
		}
		holdsBoth(t, h, id, "", "")
		sound(t, h)
	})
}

func TestNobodyPlantsOrMovesASealedSecret(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		a := does(t, h, "vault.create", map[string]any{"title": "First", "code": code})["id"].(string)
		b := does(t, h, "vault.create", map[string]any{"title": "Second", "code": "another-code-99"})["id"].(string)
		_, one, _ := stored(t, h, a)
		for what, given := range map[string]any{"sealed": json.RawMessage(one), "an object": map[string]any{}, "a list": []string{code}, "a number": 7411, "the mark": "[secret]"} {
			for name, in := range map[string]map[string]any{"vault.update": {"id": b, "rev": 1, "code": given}, "vault.create": {"title": "Third", "code": given}} {
				_, err := ask(t, h, name, in)
				if e := errs.Public(err); err == nil || e.Code != errs.Invalid || e.Field != "code" || strings.Contains(e.Error()+e.Fix, "7411") {
					t.Errorf("%s with %s: %v", name, what, err)
				}
			}
		}
		// Code of ours that carries one from thing to thing is refused too, and so is a database that was edited.
		_, err := h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error {
			x, err := store.Get(t.Context(), &tx.View, vaults, a)
			if err != nil {
				return err
			}
			y, err := store.Get(t.Context(), &tx.View, vaults, b)
			if err != nil {
				return err
			}
			y.Code = x.Code
			return store.Put(t.Context(), tx, vaults, y)
		})
		if err == nil {
			t.Error("a sealed secret was moved")
		}
		holdsBoth(t, h, b, "another-code-99", "")
		_, two, _ := stored(t, h, b)
		exec(t, h, `UPDATE body SET body=replace(body, $1, $2) WHERE org=$3`, two, one, testkit.Org)
		if got, _, err := opened(t, h, b, time.Time{}); err == nil {
			t.Errorf("moved in the database it opens: %q", got)
		}
		holdsBoth(t, h, a, code, "")
	})
}

func TestASecretOfBeforeIsReadAndSealedWhenItIsWritten(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		id := does(t, h, "vault.create", map[string]any{"title": "First", "code": code})["id"].(string)
		_, one, _ := stored(t, h, id)
		exec(t, h, `UPDATE body SET body=replace(body, $1, $2) WHERE org=$3`, one, `"`+code+`"`, testkit.Org)
		holdsBoth(t, h, id, code, "")
		see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
			s, err := v.Secrets(ctx)
			if s.Clear != 1 || len(s.Sealed) != 0 {
				t.Errorf("status: %+v", s)
			}
			return err
		})
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 1, "title": "Second"})
		if body, now, _ := stored(t, h, id); strings.Contains(body, code) || !strings.HasPrefix(now, `{"sealed":"`) {
			t.Errorf("written again: %s", body)
		}
		holdsBoth(t, h, id, code, "")
	})
}

// away takes the keys of a house away, and gives back what brings them again.
func away(t *testing.T, h *testkit.House) (back func()) {
	t.Helper()
	keys, hidden := filepath.Join(h.Dir, "keys"), filepath.Join(h.Dir, "hidden")
	if err := os.Rename(keys, hidden); err != nil {
		t.Fatal(err)
	}
	return func() {
		files, err := os.ReadDir(hidden)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(keys, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Rename(filepath.Join(hidden, f.Name()), filepath.Join(keys, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestALostKeyIsSaidAndNothingIsLostWithIt(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		id := does(t, h, "vault.create", map[string]any{"title": "First", "code": code, "spare": spare})["id"].(string)
		if err := h.Store.SecretTrouble(t.Context()); err != nil {
			t.Errorf("all is well, and it says %v", err)
		}
		body, _, _ := stored(t, h, id)
		back := away(t, h)
		for _, how := range []string{"while it runs", "after it was opened again"} {
			if _, _, err := opened(t, h, id, time.Time{}); !errors.Is(err, errs.Unavailable) {
				t.Errorf("%s: opened: %v", how, err)
			}
			if err := h.Store.SecretTrouble(t.Context()); !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "2 secrets") {
				t.Errorf("%s: trouble: %v", how, err)
			}
			if _, err := ask(t, h, "vault.update", map[string]any{"id": id, "rev": 1, "code": "another-code-99"}); !errors.Is(err, errs.Unavailable) {
				t.Errorf("%s: a secret was set without a key: %v", how, err)
			}
			if now, _, _ := stored(t, h, id); now != body {
				t.Errorf("%s: the body became %s", how, now)
			}
			h.Store.Close()
			h.Open(t) // it makes no key in the place of the one that is lost
		}
		does(t, h, "vault.update", map[string]any{"id": id, "rev": 1, "title": "Second"}) // what is no secret can be changed all the while
		back()
		holdsBoth(t, h, id, code, spare)
		if err := h.Store.SecretTrouble(t.Context()); err != nil {
			t.Errorf("the key is back, and it says %v", err)
		}
	})
}

func TestRotatingSealsEverySecretAgainAndLosesNone(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		var ids []string
		for i := range 120 { // more than two pages
			in := map[string]any{"title": fmt.Sprint("Vault ", i), "code": fmt.Sprint(code, i)}
			if i%3 == 0 {
				in["spare"] = fmt.Sprint(spare, i)
			}
			if i%10 == 1 {
				delete(in, "code")
			}
			ids = append(ids, does(t, h, "vault.create", in)["id"].(string))
		}
		whole := func(when string, keys ...string) {
			t.Helper()
			for i, id := range ids {
				one, two := fmt.Sprint(code, i), ""
				if i%3 == 0 {
					two = fmt.Sprint(spare, i)
				}
				if i%10 == 1 {
					one = ""
				}
				if a, b, err := opened(t, h, id, time.Time{}); err != nil || a != one || b != two {
					t.Fatalf("%s, %d: %q %q %v", when, i, a, b, err)
				}
			}
			see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
				s, err := v.Secrets(ctx)
				n := 0
				for k, c := range s.Sealed {
					n += c
					if len(keys) > 0 && !slices.Contains(keys, k) {
						t.Errorf("%s: %d are sealed with %s", when, c, k)
					}
				}
				if n != 148 || s.Clear > 0 || len(s.Lost) > 0 {
					t.Errorf("%s: %+v", when, s)
				}
				return err
			})
		}
		whole("at first")
		then, before, _ := h.Clock.Now(), "", 0
		before, _, _ = stored(t, h, ids[0])
		h.Clock.Move(time.Hour)
		by := store.By{Actor: "usr_admin", Via: "rest", Op: "secret.rotate"}
		r, err := h.Store.Rotate(t.Context(), testkit.Org, by, false)
		if err != nil || r.Sealed != 148 || len(r.Left) > 0 {
			t.Fatalf("%+v %v", r, err)
		}
		whole("rotated", r.Key)
		after, _, _ := stored(t, h, ids[0])
		for _, same := range []string{`"title":"Vault 0"`, `"created_at":"2026-03-06T09:00:00Z"`, `"notes":""`, `"id":"` + ids[0]} {
			if !strings.Contains(before, same) || !strings.Contains(after, same) {
				t.Errorf("%s was in %s and is not in %s", same, before, after)
			}
		}
		for _, now := range []string{`"rev":2`, `"updated_by":"usr_admin"`, `"updated_at":"2026-03-06T10:00:00Z"`} {
			if !strings.Contains(after, now) {
				t.Errorf("%s is not in %s", now, after)
			}
		}
		if a, _, err := opened(t, h, ids[0], then); err != nil || a != code+"0" {
			t.Errorf("as of before: %q %v", a, err)
		}
		if again, err := h.Store.Rotate(t.Context(), testkit.Org, by, true); err != nil || again.Sealed != 0 || again.Key != r.Key {
			t.Errorf("again with the same key: %+v %v", again, err)
		}
		// Interrupted after the first page, and begun again.
		ctx, stop := context.WithCancel(t.Context())
		events, done := h.Store.Watch()
		go func() { <-events; stop() }()
		_, err = h.Store.Rotate(ctx, testkit.Org, by, false)
		stop()
		done()
		whole("interrupted")
		if err == nil {
			t.Log("the rotation was faster than its interruption")
		}
		if r, err = h.Store.Rotate(t.Context(), testkit.Org, by, true); err != nil || len(r.Left) > 0 {
			t.Fatalf("%+v %v", r, err)
		}
		whole("after the interruption", r.Key)
		// Without the older keys all is there.
		files, err := filepath.Glob(filepath.Join(h.Dir, "keys", "seal-*.key"))
		if err != nil || len(files) != 3 {
			t.Fatalf("%v %v", files, err)
		}
		for _, f := range files {
			if !strings.Contains(f, r.Key) {
				os.Remove(f)
			}
		}
		whole("with the newest key alone", r.Key)
		sound(t, h)
	})
}

func TestRotatingLeavesWhatCannotBeOpenedAsItIs(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		lost := does(t, h, "vault.create", map[string]any{"title": "First", "code": code})["id"].(string)
		back := away(t, h)
		by := store.System("secret.rotate")
		if _, err := h.Store.Rotate(t.Context(), testkit.Org, by, false); err != nil { // an administrator decides to go on with a new key
			t.Fatal(err)
		}
		kept := does(t, h, "vault.create", map[string]any{"title": "Second", "code": spare})["id"].(string)
		r, err := h.Store.Rotate(t.Context(), testkit.Org, by, false)
		if err != nil || r.Sealed != 1 || !slices.Equal(r.Left, []string{lost}) {
			t.Errorf("%+v %v", r, err)
		}
		holdsBoth(t, h, kept, spare, "")
		back()
		holdsBoth(t, h, lost, code, "")
		if r, err := h.Store.Rotate(t.Context(), testkit.Org, by, true); err != nil || r.Sealed != 1 || len(r.Left) > 0 {
			t.Errorf("the key is back: %+v %v", r, err)
		}
		holdsBoth(t, h, lost, code, "")
	})
}

func TestAnotherOrganisationOpensNothing(t *testing.T) {
	testkit.Engines(t, addVaults, func(t *testing.T, h *testkit.House) {
		id := does(t, h, "vault.create", map[string]any{"title": "First", "code": code})["id"].(string)
		var x *vault
		see(t, h, time.Time{}, func(ctx context.Context, v *store.View) (err error) {
			x, err = store.Get(ctx, v, vaults, id)
			return err
		})
		err := h.Store.View(t.Context(), testkit.Other, time.Time{}, store.System("test"), func(v *store.View) error {
			if got, err := store.Reveal(v, vaults, x, "code"); err == nil {
				t.Errorf("from elsewhere it opens: %q", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
