// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// keysAtOnce is how many selectors of one domain are asked for at a time.
const keysAtOnce = 8

// key is what one selector answered.
type key struct {
	found bool
	bits  int64 // of an RSA key; 0 for others
	why   string
	err   error
	log   sight
}

func keyName(selector, domain string) string { return selector + "._domainkey." + domain }

// dkim looks for keys under all selectors. The DNS can't be asked which there are: that the usual ones have none does
// not say that there is none.
func (s *Source) dkim(ctx context.Context, saw *sight) {
	keys := make([]key, len(s.selectors))
	slots := make(chan struct{}, keysAtOnce)
	var busy sync.WaitGroup
	for i, sel := range s.selectors {
		slots <- struct{}{}
		busy.Go(func() {
			keys[i] = s.key(ctx, keyName(sel, saw.domain))
			<-slots
		})
	}
	busy.Wait()
	var found []string
	shortest := int64(0)
	open := ""
	for i, k := range keys {
		saw.log = append(saw.log, k.log.log...)
		switch {
		case k.err != nil && open == "":
			open = fmt.Sprintf("selector %s: %v", s.selectors[i], k.err)
		case k.found:
			found = append(found, s.selectors[i])
			if k.bits > 0 && (shortest == 0 || k.bits < shortest) {
				shortest = k.bits
			}
		}
	}
	switch {
	case open != "" && (s.named || len(found) == 0):
		saw.Unknown(open, "dkim_selectors", "dkim_key_bits")
		return
	case len(found) == 0 && !s.named:
		saw.Unknown("none of the usual selectors has a key. Add yours to the source (selectors)", "dkim_selectors", "dkim_key_bits")
		return
	}
	saw.Set("dkim_selectors", append([]string{}, found...))
	if shortest > 0 {
		saw.Set("dkim_key_bits", shortest)
	} else {
		saw.Set("dkim_key_bits", nil)
	}
}

// isKey tells a key from other texts, such as those of a wildcard.
func isKey(r string) bool {
	t := tags(r)
	v, has := t["v"]
	_, key := t["p"]
	return key && (!has || v == "DKIM1")
}

// key reads what one selector has. A revoked key and one that can't be read are none.
func (s *Source) key(ctx context.Context, name string) key {
	var k key
	records, err := s.txt(ctx, &k.log, name, isKey)
	if err != nil {
		if !errors.Is(err, errNone) {
			k.err = err
		}
		return k
	}
	for _, r := range records {
		bits, err := publicKey(tags(r))
		if err != nil {
			k.log.note("%s: %v", name, err)
			continue
		}
		if !k.found || bits > 0 && (k.bits == 0 || bits < k.bits) {
			k.bits = bits
		}
		k.found = true
	}
	return k
}

// publicKey gives the length of an RSA key, and 0 for Ed25519.
func publicKey(t map[string]string) (int64, error) {
	text := strings.Join(strings.Fields(t["p"]), "")
	if text == "" {
		return 0, errors.New("the key was revoked")
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return 0, errors.New("the key is not base64")
	}
	switch t["k"] {
	case "ed25519":
		if len(der) != ed25519.PublicKeySize {
			return 0, errors.New("the key is not one of Ed25519")
		}
		return 0, nil
	case "", "rsa":
		if any, err := x509.ParsePKIXPublicKey(der); err == nil {
			if pub, ok := any.(*rsa.PublicKey); ok {
				return int64(pub.N.BitLen()), nil
			}
		}
		if pub, err := x509.ParsePKCS1PublicKey(der); err == nil {
			return int64(pub.N.BitLen()), nil
		}
		return 0, errors.New("the key is not one of RSA")
	}
	return 0, fmt.Errorf("keys of kind %q are not known", clipWord(t["k"]))
}

// tags reads a list such as v=DKIM1; k=rsa; p=…. A tag that is there twice makes it none.
func tags(r string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(r, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if !ok {
			continue
		}
		if _, twice := out[name]; twice {
			return nil
		}
		out[name] = strings.TrimSpace(value)
	}
	return out
}
