// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// shapes are further forms in which a text may stand in a file.
func shapes(s string) map[string]string {
	out := forms(s, true)
	out["in an address"] = url.QueryEscape(s)
	j, _ := json.Marshal(s) // a text always encodes
	out["in JSON"] = strings.Trim(string(j), `"`)
	out["in upper-case hex"] = fmt.Sprintf("%X", s)
	var wide bytes.Buffer
	_ = binary.Write(&wide, binary.LittleEndian, utf16.Encode([]rune(s))) // into memory
	out["in UTF-16"] = wide.String()
	for i := 1; i < 3; i++ { // in the middle of a longer text in base64
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + s))
		out[fmt.Sprintf("in base64, moved by %d", i)] = b[4 : len(b)-4]
	}
	return out
}

// places are where a thief looks: rows, the files of the database, an export, what was logged, what was answered.
func (h house) places(t *testing.T, logged, answered string) map[string]string {
	t.Helper()
	out := map[string]string{"the rows": h.dump(t), "the log": logged, "the answers": answered}
	if h.Engine == db.SQLite {
		files, err := filepath.Glob(filepath.Join(h.Dir, "assay.db*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("files of the database, with the log beside it: %v %v", files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out["the files of the database"] += string(b)
		}
	}
	var export bytes.Buffer
	if _, err := h.Store.Export(t.Context(), testkit.Org, &export, store.ExportOptions{Program: "test"}); err != nil {
		t.Fatal(err)
	}
	out["the export"] = export.String()
	if a, err := store.VerifyExport(&export, "", nil); err != nil || len(a.Problems) > 0 {
		t.Errorf("the export does not verify: %v %+v", err, a.Problems)
	}
	return out
}

// Bar B41, on what there is of it: the password, its hash, and the parts of the hash.
func TestNeitherPasswordNorHashStandsAnywhereInClear(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		var logged bytes.Buffer
		h.Gate.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		admin, u := h.user(t, op.Owner, op.Admin, op.Manager), h.user(t, op.Control)
		var answered strings.Builder
		say := func(a op.Actor, name string, in any) {
			ans, err := h.Gate.Call(t.Context(), a, op.Call{Op: name, In: encode(t, in), Key: "key " + name})
			fmt.Fprintf(&answered, "%s: %+v %v %#v\n", name, ans, err, errs.Public(err))
			if ans.Out != nil {
				fmt.Fprintf(&answered, "%s\n", encode(t, ans.Out))
			}
		}
		say(h.as(u), "user.password", m{"password": secretWords})
		say(h.as(admin), "user.password", m{"id": u.ID, "password": secretWords})
		say(h.as(u), "user.password", m{"password": []string{secretWords}})
		say(h.as(u), "user.password", m{"password": m{"sealed": secretWords}})
		say(h.as(admin), "user.update", m{"id": u.ID, "rev": 2, "password": secretWords})
		for _, name := range []string{"user.get", "user.history", "user.links"} {
			say(h.as(admin), name, m{"id": u.ID})
		}
		say(h.as(admin), "user.list", m{})
		say(h.as(admin), "user.grant", m{"id": u.ID, "rev": 2, "roles": []op.Role{op.Control}})
		say(h.as(admin), "secret.rotate", m{})
		hash := h.hash(t, u.ID)
		keys := filepath.Join(h.Dir, "keys")
		if err := os.Rename(keys, keys+"-away"); err != nil { // a fault on the way, which is logged
			t.Fatal(err)
		}
		say(h.as(u), "user.password", m{"password": secretWords})
		_, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
		fmt.Fprintf(&answered, "%v %+v", err, err)
		if err := os.Rename(keys+"-away", keys); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(hash, "$")
		if len(parts) != 6 {
			t.Fatalf("the hash has %d parts", len(parts))
		}
		places := h.places(t, logged.String(), answered.String())
		for what, s := range map[string]string{"the password": secretWords, "the hash": hash, "the salt of the hash": parts[4], "the end of the hash": parts[5]} {
			for form, needle := range shapes(s) {
				for where, text := range places {
					if strings.Contains(text, needle) {
						t.Errorf("%s stands in %s %s", what, where, form)
					}
				}
			}
		}
		if raw, err := base64.RawStdEncoding.DecodeString(parts[5]); err != nil || strings.Contains(places["the rows"], fmt.Sprintf("%x", raw)) || strings.Contains(places["the files of the database"], string(raw)) {
			t.Errorf("the bytes of the hash stand there (%v)", err)
		}
		// The control: what must be there is found in each place.
		for where, needle := range map[string]string{"the rows": `{"sealed":"`, "the export": `{\"sealed\":\"`, "the log": "user.password", "the answers": u.ID, "the files of the database": u.Email} {
			if text, ok := places[where]; ok && !strings.Contains(text, needle) {
				t.Errorf("%s is not in %s: the search proves nothing", needle, where)
			}
		}
		if h.Engine == db.SQLite { // and a hash that was stored past the store is found in the file
			id := h.plant(t, hash)
			if text := h.places(t, "", "")["the files of the database"]; !strings.Contains(text, hash) || id == "" {
				t.Error("a hash in clear is not found: the search proves nothing")
			}
		}
	})
}

// plant writes a hash in clear, as a program without seals would have.
func (h house) plant(t *testing.T, hash string) string {
	t.Helper()
	type leak struct {
		kind.Meta
		Name   string    `json:"name"`
		Email  string    `json:"email"`
		Person string    `json:"person"` // the fields stand as those of a user do
		Roles  []op.Role `json:"roles"`
		State  UserState `json:"state"`
		Hash   string    `json:"password"`
	}
	u := &leak{Name: "Old", Email: fmt.Sprintf("old%d@example.com", users.Add(1)), Roles: []op.Role{op.Reader}, State: "active", Hash: hash}
	olds := kind.Kind[leak]{Name: "user", Prefix: "usr"}
	if _, err := h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, olds, u) }); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func TestAPasswordOfBeforeSealsStillSignsInAndIsSealedWhenTheKeyIsRotated(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		hash, err := hashPassword(secretWords)
		if err != nil {
			t.Fatal(err)
		}
		id := h.plant(t, hash)
		u := h.now(t, id)
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords); err != nil {
			t.Errorf("before: %v", err)
		}
		if r := h.call(t, h.as(h.user(t, op.Admin)), "secret.rotate", m{"keep_key": true}); r["sealed"] != 1.0 {
			t.Errorf("rotated: %v", r)
		}
		if now := h.now(t, id); now.Password.Sealed() == "" || h.hash(t, id) != hash {
			t.Errorf("after: %q", h.hash(t, id))
		}
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords); err != nil {
			t.Errorf("after: %v", err)
		}
	})
}

func TestWithoutItsKeyAPasswordIsNotCheckedAndALinkStillSignsIn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u, none := h.withPassword(t, op.Control), h.user(t, op.Control)
		keys := filepath.Join(h.Dir, "keys")
		if err := os.Rename(keys, keys+"-away"); err != nil {
			t.Fatal(err)
		}
		texts := map[string]bool{}
		for _, email := range []string{u.Email, none.Email, "nobody@example.com"} {
			_, err := h.door.ByPassword(t.Context(), testkit.Org, email, secretWords)
			is(t, err, errs.Unavailable, email)
			e := errs.Public(err)
			texts[e.Text+e.Fix] = true
		}
		if len(texts) != 1 {
			t.Errorf("who has an account can be told from the answers: %v", texts)
		}
		h.alive(t, h.in(t, u), u, "by a link")
		if err := os.Rename(keys+"-away", keys); err != nil {
			t.Fatal(err)
		}
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords); err != nil {
			t.Errorf("the key is back: %v", err)
		}
	})
}

// Rotating while somebody signs in costs him nothing.
func TestAPasswordThatIsSealedAgainMeanwhileStillSignsIn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.withPassword(t, op.Control)
		plain := compare
		t.Cleanup(func() { compare = plain })
		compare = func(p, hash string) (bool, error) {
			if _, err := h.Store.Rotate(t.Context(), testkit.Org, store.System("secret.rotate"), false); err != nil {
				return false, err
			}
			h.Clock.Move(time.Second)
			return plain(p, hash)
		}
		c, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
		if err != nil {
			t.Fatal(err)
		}
		h.alive(t, c, u, "signed in meanwhile")
	})
}
