// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"assay/content"
	"assay/internal/store"
)

// Edition is the fact that the program first read another catalogue of built-in tests: from then on it holds.
// The text is kept, so that a day before is judged by the tests of that day, whatever program reads it.
type Edition struct {
	store.Place
	Name    string    `json:"name" doc:"catalogue."`
	Program string    `json:"program" doc:"Version of the program it came with."`
	Digest  string    `json:"digest" doc:"SHA-256 of the text."`
	Text    string    `json:"text" doc:"The resource kinds and the tests, as JSON, without the examples."`
	At      time.Time `json:"at" doc:"When the program first read it."`
}

// Editions are the catalogues that held, one after the other.
var Editions = store.Facts[Edition]("catalogue", "Built-in catalogues of tests, each with the time the program first read it.", []string{"name"})

const editionName = "catalogue"

// printed is the text of an edition.
type printed struct {
	Kinds []content.ResourceKind `json:"kinds"`
	Tests []content.Test         `json:"tests"`
}

// Text writes a catalogue without its examples, which judge nothing, and its digest.
func (c *Catalogue) Text() (text, digest string, err error) {
	p := printed{Kinds: c.src}
	for _, r := range c.Rules() {
		t := r.Def
		t.Fixtures = nil
		p.Tests = append(p.Tests, t)
	}
	b, err := store.Encode(p)
	if err != nil {
		return "", "", fmt.Errorf("write catalogue: %w", err)
	}
	return string(b), digestOf(string(b)), nil
}

func digestOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// compiled keeps catalogues by digest: compiling one takes longer than many questions to it.
var compiled = struct {
	sync.Mutex
	by map[string]*Catalogue
}{by: map[string]*Catalogue{}}

// keepCompiled gives what is kept under a key, or makes and keeps it.
func keepCompiled(key string, make func() (*Catalogue, error)) (*Catalogue, error) {
	compiled.Lock()
	c := compiled.by[key]
	compiled.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := make()
	if err != nil {
		return nil, err
	}
	compiled.Lock()
	defer compiled.Unlock()
	if was := compiled.by[key]; was != nil {
		return was, nil // whoever was quicker: one catalogue has one address
	}
	if len(compiled.by) > 200 {
		clear(compiled.by)
	}
	compiled.by[key] = c
	return c, nil
}

var standardDigest = sync.OnceValues(func() (string, error) {
	c, err := Standard()
	if err != nil {
		return "", err
	}
	_, digest, err := c.Text()
	return digest, err
})

// always is a position that no ledger reaches.
const always = int64(1) << 62

// editionOf is the built-in catalogue that held at the moment of a view. Before the first that was written down, that
// first one is used for reading: it does not change with the program. In an organisation in which none was written
// down yet there is nothing else than what this program brings along.
func editionOf(ctx context.Context, v *store.View) (*Catalogue, string, error) {
	type row struct{ Digest string }
	rows, err := store.Project[row](ctx, v, Editions, []string{"digest"}, "")
	if err == nil && len(rows) == 0 {
		first := *v
		first.At, first.Past = always, false
		rows, err = store.ProjectChanges[row](ctx, &first, Editions, []string{"digest"}, "")
	}
	if err != nil {
		return nil, "", err
	}
	mine, err := standardDigest()
	if err != nil {
		return nil, "", err
	}
	if len(rows) == 0 || rows[0].Digest == mine {
		c, err := Standard()
		return c, mine, err
	}
	digest := rows[0].Digest
	c, err := keepCompiled(digest, func() (*Catalogue, error) {
		all := *v
		all.At, all.Past = always, false
		e, err := Editions.Changes(ctx, &all, "digest=$3", "ORDER BY batch LIMIT 1", digest)
		if err != nil {
			return nil, fmt.Errorf("read the text of catalogue %.12s: %w", digest, err)
		}
		if len(e) == 0 {
			return nil, fmt.Errorf("the text of catalogue %.12s is not there", digest)
		}
		if got := digestOf(e[0].Text); got != digest {
			return nil, fmt.Errorf("catalogue %.12s has the digest %.12s: its text was changed", digest, got)
		}
		return readEdition(e[0].Text)
	})
	return c, digest, err
}

func readEdition(text string) (*Catalogue, error) {
	var p printed
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	c, err := Compile(p.Tests, p.Kinds)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return c, nil
}
