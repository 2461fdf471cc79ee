// SPDX-License-Identifier: Apache-2.0

// Package seal knows how a secret is sealed and opened, and the keys that it takes. It knows no
// database and no kind, and it says nothing of a key or a secret in an error.
//
// A sealed secret is the id of a key, a dot, and base64url (without padding) of a salt of 32 bytes and the
// AES-256-GCM of the text. Key and nonce come from HKDF-SHA-256 of the key, that salt and the organisation, so no two
// texts share a key. The place (organisation, kind, thing, field) is authenticated: what is moved elsewhere does not
// open. docs/adr/0010-sealed-secrets.md says why.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/errs"
)

// Place is where a secret stands. It opens there and nowhere else.
type Place struct{ Org, Kind, ID, Field string }

// suite names the way in which the keys of this package seal. Another way gets another name, and keys of its own.
const suite = "assay-seal-v1"

const saltSize, keySize, nonceSize = 32, 32, 12

// Seal seals a text for a place, with the newest key.
func (r *Ring) Seal(p Place, text string) (string, error) {
	keys, err := r.read()
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return "", errs.New(errs.Unavailable, "there is no key to seal secrets with; nothing was written").Mend("put the seal keys back into the folder of the keys, or set seal_keys")
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(r.rand(), salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	box, nonce, err := keys[0].box(p.Org, salt)
	if err != nil {
		return "", err
	}
	return keys[0].id + "." + base64.RawURLEncoding.EncodeToString(box.Seal(salt, nonce, []byte(text), p.data())), nil
}

// Open opens what was sealed for a place.
func (r *Ring) Open(p Place, sealed string) (string, error) {
	id, text, _ := strings.Cut(sealed, ".")
	bad := errs.New(errs.Unavailable, "the %s of %s cannot be opened: it was altered, or sealed for another place", p.Field, p.ID)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < saltSize {
		return "", bad.Because(errors.New("it is not a sealed secret"))
	}
	keys, err := r.read()
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if k.id != id {
			continue
		}
		box, nonce, err := k.box(p.Org, b[:saltSize])
		if err != nil {
			return "", err
		}
		out, err := box.Open(nil, nonce, b[saltSize:], p.data())
		if err != nil {
			return "", bad.Because(err)
		}
		return string(out), nil
	}
	return "", Missing(id)
}

// Missing is what is said where a key is not there.
func Missing(id string) *errs.Error {
	return errs.New(errs.Unavailable, "the key %.40q, which seals this secret, is not there; the secret is kept", id).Mend("put the file of that key back into the folder of the keys")
}

// KeyOf is the id of the key that a secret is sealed with.
func KeyOf(sealed string) string {
	id, _, _ := strings.Cut(sealed, ".")
	return id
}

// box is the cipher for one value.
func (k key) box(org string, salt []byte) (cipher.AEAD, []byte, error) {
	b, err := hkdf.Key(sha256.New, k.bytes, salt, suite+"\n"+org, keySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(b[:keySize])
	if err != nil {
		return nil, nil, fmt.Errorf("make cipher: %w", err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fmt.Errorf("make cipher: %w", err)
	}
	return box, b[keySize:], nil
}

// data is what is authenticated beside the text. None of the names can hold a line break.
func (p Place) data() []byte {
	return []byte(strings.Join([]string{suite, p.Org, p.Kind, p.ID, p.Field}, "\n"))
}

func (r *Ring) rand() io.Reader {
	if r.Rand == nil {
		return rand.Reader
	}
	return r.Rand
}
