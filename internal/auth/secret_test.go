// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// forms are ways in which a secret may stand somewhere. Of a random secret its digest may stand; of a password no
// quick digest may, because passwords can be guessed.
func forms(secret string, guessable bool) map[string]string {
	b := []byte(secret)
	f := map[string]string{"in clear": secret, "in upper case": strings.ToUpper(secret), "in hex": fmt.Sprintf("%x", b),
		"in base64": base64.StdEncoding.EncodeToString(b), "in base64 for addresses": base64.RawURLEncoding.EncodeToString(b)}
	if guessable {
		f["as SHA-256"], f["as SHA-1"], f["as MD5"] = fmt.Sprintf("%x", sha256.Sum256(b)), fmt.Sprintf("%x", sha1.Sum(b)), fmt.Sprintf("%x", md5.Sum(b))
	}
	return f
}

func TestNoSecretStandsInTheDatabase(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		h.user(t, op.Owner)
		admin, u := h.user(t, op.Admin, op.Owner), h.user(t, op.Control)
		secrets := map[string]string{"the password": secretWords}
		second := func(name string, in m, key string) {
			t.Helper()
			_, err := h.try(t, h.as(admin), name, key, in)
			is(t, err, errs.Conflict, name+" again with the same key")
		}
		once := func(a op.Actor, name string, in m) map[string]any {
			t.Helper()
			out, err := h.try(t, a, name, "key of "+name, in)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return out
		}
		create := m{"name": "CI", "scopes": []string{"read"}, "days": 9}
		secret := once(h.as(admin), "token.create", create)["secret"].(string)
		secrets["the token"], secrets["the token without its ends"] = secret, strings.Split(secret, "_")[3][:32]
		second("token.create", create, "key of token.create")
		invite := m{"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Reader}}
		_, secrets["the link of an invitation"], _ = strings.Cut(code(t, once(h.as(admin), "user.invite", invite)["path"].(string)), ".")
		second("user.invite", invite, "key of user.invite")
		_, secrets["a new link"], _ = strings.Cut(code(t, once(h.as(admin), "user.link", m{"id": u.ID})["path"].(string)), ".")
		second("user.link", m{"id": u.ID}, "key of user.link")
		_, secrets["a link made on the machine"], _ = strings.Cut(h.link(t, u), ".")
		once(h.as(u), "user.password", m{"password": secretWords})
		c, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
		if err != nil {
			t.Fatal(err)
		}
		_, secrets["the cookie"], _ = strings.Cut(c, ".")
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, "a mistaken password"); err == nil {
			t.Fatal("a wrong password signed in")
		}
		secrets["a mistaken password"] = "a mistaken password"
		if _, err := h.Store.Sign(t.Context(), testkit.Org, true); err != nil {
			t.Fatal(err)
		}
		all := h.dump(t)
		for what, s := range secrets {
			if len(s) < 12 {
				t.Fatalf("%s is %q: nothing to look for", what, s)
			}
			for form, needle := range forms(s, strings.Contains(what, "password")) {
				if strings.Contains(all, needle) {
					t.Errorf("%s stands in the database %s", what, form)
				}
			}
		}
		for what, s := range map[string]string{"the digest of the cookie": digest(secrets["the cookie"]), "the digest of the token": digest(secret),
			"a kept answer": "key of user.invite", "the user": u.ID, "the sealed hash of the password": `"password":{"sealed":"`} {
			if !strings.Contains(all, s) {
				t.Errorf("%s is not in what was searched: the search proves nothing", what)
			}
		}
	})
}

func TestNoFaceReadsTheHashOfASecret(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner, op.Admin, op.Manager), h.withPassword(t, op.Control)
		id, _ := h.token(t, u, "read")
		rev := h.now(t, u.ID).Rev
		for name, in := range map[string]m{"user.get": {"id": u.ID}, "user.list": {}, "user.history": {"id": u.ID}, "token.get": {"id": id}, "token.list": {}, "token.history": {"id": id},
			"user.update": {"id": u.ID, "rev": rev, "name": "Jo"}} {
			ans, err := h.Gate.Call(t.Context(), h.as(owner), op.Call{Op: name, In: encode(t, in)})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text := string(encode(t, ans.Out))
			if strings.Contains(text, "argon2") || strings.Contains(text, `"hash"`) || !strings.Contains(text, u.ID) && !strings.Contains(text, id) {
				t.Errorf("%s answers %s", name, text)
			}
		}
		for _, name := range []string{"user.grant", "user.disable"} {
			in := m{"id": u.ID, "rev": h.now(t, u.ID).Rev}
			if name == "user.grant" {
				in["roles"] = []op.Role{op.Reader}
			}
			if text := string(encode(t, h.call(t, h.as(owner), name, in))); strings.Contains(text, "argon2") || !strings.Contains(text, u.ID) {
				t.Errorf("%s answers %s", name, text)
			}
		}
	})
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := store.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhoCameInIsAFactOfTheLedgerWithoutSecretOrAddress(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		admin, u := h.user(t, op.Manager), h.withPassword(t, op.Control)
		c := h.in(t, u) // a link, and in by it
		if err := h.door.End(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		d, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
		if err != nil {
			t.Fatal(err)
		}
		l := code(t, h.call(t, h.as(admin), "user.link", m{"id": u.ID})["path"].(string))
		var got []string
		h.see(t, func(v *store.View) error {
			all, err := SignIns.Select(t.Context(), v, "", "")
			for _, s := range all {
				if s.User != u.ID {
					t.Errorf("of %s", s.User)
				}
				got = append(got, s.How+" "+s.Action)
				if !s.At.Equal(h.Clock.Now()) {
					t.Errorf("at %s", s.At)
				}
			}
			return err
		})
		if want := "link link made, link in, cookie out, password in, link link made"; strings.Join(got, ", ") != want {
			t.Errorf("%s; want %s", strings.Join(got, ", "), want)
		}
		lines := 0
		for line := range strings.Lines(h.dump(t)) {
			if !strings.Contains(line, "sign_in") {
				continue
			}
			lines++
			for what, s := range map[string]string{"an address": "@", "a name": u.Name, "the cookie": strings.Split(c, ".")[1], "its digest": digest(strings.Split(c, ".")[1]),
				"the second cookie": strings.Split(d, ".")[1], "the link": strings.Split(l, ".")[1], "the hash of the password": "argon2"} {
				if strings.Contains(line, s) {
					t.Errorf("%s stands in %s", what, line)
				}
			}
		}
		if lines < 10 { // five rows, and of each the entry of its batch
			t.Errorf("%d lines of sign-ins were searched", lines)
		}
		if _, err := h.Store.Sign(t.Context(), testkit.Org, true); err != nil {
			t.Fatal(err)
		}
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
		if err != nil || len(a.Problems) > 0 {
			t.Errorf("verify: %v %+v", err, a.Problems)
		}
	})
}
