// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay/internal/clock"
	"assay/internal/errs"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxNumber is the largest number of the format: every language reads it exactly.
const maxNumber = 1<<53 - 1

// timeLine begins the first extension line of a checkpoint.
const timeLine = "time "

// text is the signed part of a checkpoint.
func text(origin string, size int64, root tlog.Hash, at time.Time) string {
	return fmt.Sprintf("%s\n%d\n%s\n%s%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]), timeLine, clock.Format(at))
}

var keyForm = regexp.MustCompile(`^assay/[a-z][a-z0-9_-]{0,63}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$`)

// CheckKey says whether a public key is written in the one way that the format allows.
func CheckKey(vkey string) error {
	_, err := note.NewVerifier(vkey)
	if err != nil || !keyForm.MatchString(vkey) {
		return errs.At("key", "this is not the public key of a ledger").Because(err)
	}
	return nil
}

// OpenCheckpoint checks the form of a note, and its signature with the ledger's public key, and reads it.
func OpenCheckpoint(msg, vkey string) (Checkpoint, error) {
	vkey = strings.TrimSpace(vkey)
	if err := CheckKey(vkey); err != nil {
		return Checkpoint{}, err
	}
	c, err := ReadNote(msg)
	if err != nil {
		return Checkpoint{}, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, errs.At("key", "this is not the public key of a ledger").Because(err)
	}
	if _, err := note.Open([]byte(msg), note.VerifierList(v)); err != nil {
		return Checkpoint{}, errs.At("checkpoint", "the signature does not fit the key %s", v.Name()).Because(err)
	}
	if c.Origin != v.Name() {
		return c, errs.At("checkpoint", "it is for %s, the key is for %s", c.Origin, v.Name())
	}
	return c, nil
}

// ReadNote reads a checkpoint in the one form that the format allows, which is narrower than what the
// library that checks signatures takes. It checks no signature: what it says must not be believed.
func ReadNote(msg string) (Checkpoint, error) {
	bad := errs.At("checkpoint", "this is not a signed checkpoint: want an origin, a size and a root, a line each, an empty line and signatures")
	cut := strings.LastIndex(msg, "\n\n")
	if cut < 0 || !utf8.ValidString(msg) || strings.ContainsFunc(msg, func(r rune) bool { return r < 0x20 && r != '\n' }) {
		return Checkpoint{}, bad
	}
	sigs, whole := strings.CutSuffix(msg[cut+2:], "\n")
	lines := strings.Split(sigs, "\n")
	if !whole || len(lines) > 100 {
		return Checkpoint{}, bad
	}
	for _, l := range lines {
		if !soundSignature(l) {
			return Checkpoint{}, bad
		}
	}
	c, ok := readText(strings.Split(msg[:cut], "\n"))
	if !ok {
		return Checkpoint{}, bad
	}
	c.Note = msg
	return c, nil
}

// soundSignature says whether a line is that of a signature, whoever made it.
func soundSignature(line string) bool {
	rest, ok := strings.CutPrefix(line, "— ")
	name, sig, _ := strings.Cut(rest, " ")
	b, err := base64.StdEncoding.Strict().DecodeString(sig)
	return ok && name != "" && !strings.Contains(name, "+") && !strings.ContainsFunc(name, unicode.IsSpace) && err == nil && len(b) >= 5
}

// readText reads the signed lines. Of the extensions it knows the time; what it does not know it passes over.
func readText(l []string) (c Checkpoint, ok bool) {
	if len(l) < 3 {
		return c, false
	}
	for _, s := range l {
		if s == "" {
			return c, false
		}
	}
	size, err := strconv.ParseInt(l[1], 10, 64)
	if err != nil || size < 0 || size > maxNumber || strconv.FormatInt(size, 10) != l[1] {
		return c, false
	}
	root, err := base64.StdEncoding.Strict().DecodeString(l[2])
	if err != nil || len(root) != len(c.Root) {
		return c, false
	}
	c = Checkpoint{Origin: l[0], Size: size, Root: tlog.Hash(root)}
	if len(l) > 3 {
		if s, is := strings.CutPrefix(l[3], timeLine); is {
			if at, err := time.Parse(clock.Layout, s); err == nil && clock.Format(at) == s {
				c.At = at
			}
		}
	}
	return c, true
}
