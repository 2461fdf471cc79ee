// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"regexp"
	"strings"
	"unicode"

	"assay/internal/kind"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"golang.org/x/text/unicode/norm"
)

var (
	shown = goldmark.New(goldmark.WithExtensions(extension.Table)) // as pages show it
	tags  = regexp.MustCompile(`<[^>]*>`)                          // the renderer writes no other > inside of one
	told  = regexp.MustCompile(` (?:alt|title)="([^"]*)"`)         // what a tag says to a reader
)

// seenText is what a reader sees of a text in Markdown: without marks of Markdown and HTML, without characters that nobody
// sees, each white space as one blank, and without signs that stand alone and say nothing.
func seenText(text string) string {
	var b bytes.Buffer
	if shown.Convert([]byte(text), &b) != nil {
		b.Reset()
		b.WriteString(html.EscapeString(text)) // it is compared as it was written
	}
	text = html.UnescapeString(tags.ReplaceAllStringFunc(b.String(), saidBy))
	text = strings.Map(func(r rune) rune {
		if kind.Unseen(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	var out []string
	for _, word := range strings.Fields(text) {
		if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPunct(r) && !strings.ContainsRune("`~|^", r) }) {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

// saidBy is what a tag says: the text of a picture that is not there, and the title of a link.
func saidBy(tag string) string {
	out := ""
	for _, m := range told.FindAllStringSubmatch(tag, -1) {
		out += " " + m[1] + " "
	}
	return out
}

// digestOf names a text by what a reader sees of it.
func digestOf(text string) string { return sha(seenText(text)) }

// writtenDigest names a text as it was named before what a reader sees was: by what was written, but for comments and blanks.
func writtenDigest(text string) string {
	return sha(strings.Join(strings.Fields(comments.ReplaceAllString(text, " ")), " "))
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sectionsOf are the parts of a text, the one before the first heading too.
func sectionsOf(body string) []part {
	head, out := headAndParts(body)
	if strings.TrimSpace(head) == "" {
		return out
	}
	return append([]part{{heading: "the text before the first heading", text: head}}, out...)
}
