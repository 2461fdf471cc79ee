// SPDX-License-Identifier: Apache-2.0

package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
)

// maxCommit is how long one commit, with its message, may be.
const maxCommit = 16 << 20

// hash is a commit's name: 20 bytes of SHA-1 or 32 of SHA-256, and zeros.
type hash [32]byte

// noDate stands for a date that is missing or makes no sense.
const noDate = -1 << 62

// commit is what is kept of every commit: about 60 bytes, so that a million fit in memory.
type commit struct {
	parents           []int32
	author, committer int32
	when              int64 // committer's date in seconds
	seen, signed      bool
	coauthors         []int32
	claimed           []string // reviewers that the message names
}

// trailing finds messages that are worth reading for the people they name.
var trailing = regexp.MustCompile(`(?i)\n *(?:co-authored|reviewed|acked|approved)-by:`)

// person is one identity in the history, by e-mail address.
type person struct {
	key, name string
	lastNamed int64
	last      int64 // newest date that does not lie in the future
}

// history is the whole graph of commits, read in one stream from the newest to the oldest.
type history struct {
	commits []commit
	names   []hash
	width   int // bytes in a name
	index   map[hash]int32
	people  []person
	byKey   map[string]int32

	since   int64
	now     int64
	next    int32 // commit that the chain of first parents expects; -1 at its end
	chain   []int32
	changes map[int32]*change // those of the chain that lie in the period
	finder  *ticketFinder
}

func newHistory(tip string, since, now int64, finder *ticketFinder) *history {
	h := &history{index: map[hash]int32{}, byKey: map[string]int32{}, changes: map[int32]*change{},
		since: since, now: now, next: -1, finder: finder}
	if tip != "" {
		if at, err := h.ref([]byte(tip)); err == nil {
			h.next = at
		}
	}
	return h
}

// ref gives the place of a commit by its name, and makes room for one that was not seen yet.
func (h *history) ref(name []byte) (int32, error) {
	var k hash
	n, err := hex.Decode(k[:], name[:min(len(name), 64)])
	if err != nil || (n != 20 && n != 32) || len(name) > 64 {
		return 0, fmt.Errorf("git named a commit %q", name[:min(len(name), 80)])
	}
	h.width = n
	at, ok := h.index[k]
	if !ok {
		at = int32(len(h.commits))
		h.index[k] = at
		h.commits = append(h.commits, commit{})
		h.names = append(h.names, k)
	}
	return at, nil
}

// read takes the stream of git rev-list --header: records that end with a NUL.
func (h *history) read(ctx context.Context, in io.Reader) error {
	r := bufio.NewReaderSize(in, 256<<10)
	var rec []byte
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec = rec[:0]
		for {
			part, err := r.ReadSlice(0)
			rec = append(rec, part...)
			if len(rec) > maxCommit {
				return fmt.Errorf("commit %.40q: %w (over %d bytes)", rec, command.ErrTooLong, maxCommit)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if errors.Is(err, io.EOF) {
				if len(bytes.TrimSpace(rec)) > 0 {
					return fmt.Errorf("the history ends in the middle of commit %.40q", rec)
				}
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			break
		}
		if err := h.record(rec[:len(rec)-1]); err != nil {
			return err
		}
	}
}

// nameOf gives the name of a commit as git writes it.
func (h *history) nameOf(at int32) string { return hex.EncodeToString(h.names[at][:h.width]) }

// record reads one commit: its name, its headers, an empty line, its message indented by four.
func (h *history) record(rec []byte) error {
	name, rest, ok := bytes.Cut(rec, []byte("\n"))
	if !ok {
		return fmt.Errorf("git said %.80q in place of a commit", rec)
	}
	at, err := h.ref(name)
	if err != nil {
		return err
	}
	head, message, _ := bytes.Cut(rest, []byte("\n\n"))
	c := commit{author: -1, committer: -1, when: noDate, seen: true}
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		key, val, _ := bytes.Cut(line, []byte(" "))
		switch string(key) {
		case "parent":
			p, err := h.ref(val)
			if err != nil {
				return err
			}
			c.parents = append(c.parents, p)
		case "author":
			c.author, _ = h.person(val)
		case "committer":
			c.committer, c.when = h.person(val)
		case "gpgsig", "gpgsig-sha256":
			c.signed = true
		}
	}
	if trailing.Match(message) {
		m := readMessage(string(message))
		c.claimed = m.reviewers()
		for _, who := range m.coauthors() {
			if p, _ := h.person([]byte(who + " 0 +0000")); p >= 0 {
				c.coauthors = append(c.coauthors, p)
			}
		}
	}
	h.commits[at] = c
	h.follow(at, name, message)
	return nil
}

// follow keeps the message of a commit that lies on the chain of first parents, in the period.
func (h *history) follow(at int32, name, message []byte) {
	if at != h.next {
		return
	}
	c := &h.commits[at]
	h.chain = append(h.chain, at)
	h.next = -1
	if len(c.parents) > 0 {
		h.next = c.parents[0]
	}
	if c.when >= h.since || c.when == noDate { // no date to go by: it counts
		h.changes[at] = newChange(at, string(name), string(message), h.finder)
	}
}

// person reads "Name <address> seconds zone" and gives the identity and the date.
func (h *history) person(b []byte) (int32, int64) {
	open, end := bytes.IndexByte(b, '<'), bytes.LastIndexByte(b, '>')
	if open < 0 || end < open {
		return -1, noDate
	}
	name := strings.TrimSpace(feed.Text(string(b[:open])))
	mail := strings.ToLower(strings.TrimSpace(feed.Text(string(b[open+1 : end]))))
	when := int64(noDate)
	stamp, _, _ := strings.Cut(strings.TrimSpace(string(b[end+1:])), " ")
	if n, err := strconv.ParseInt(stamp, 10, 64); err == nil && n > 0 && n < 253402300800 { // year 10000
		when = n
	}
	key := mail
	if key == "" {
		key = name
	}
	if key == "" {
		return -1, when
	}
	at, ok := h.byKey[key]
	if !ok {
		at = int32(len(h.people))
		h.byKey[key] = at
		h.people = append(h.people, person{key: key, name: name, lastNamed: noDate, last: noDate})
	}
	p := &h.people[at]
	if when != noDate {
		if when > p.lastNamed && name != "" {
			p.name, p.lastNamed = name, when
		}
		if when > p.last && when <= h.now+86400 { // a day of grace for clocks
			p.last = when
		}
	}
	return at, when
}

// missing counts the commits that others name as parents and that did not come.
func (h *history) missing() int {
	n := 0
	for i := range h.commits {
		if !h.commits[i].seen {
			n++
		}
	}
	return n
}

// members makes one resource for each identity that wrote or committed anything, in order of address.
func (h *history) members() []collect.Resource {
	wrote := make([]bool, len(h.people))
	for i := range h.commits {
		for _, p := range []int32{h.commits[i].author, h.commits[i].committer} {
			if p >= 0 {
				wrote[p] = true
			}
		}
	}
	var out []collect.Resource
	for i := range h.people {
		if p := &h.people[i]; wrote[i] && !isHost(p.key) {
			out = append(out, p.resource(h.now))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}

func (p *person) resource(now int64) collect.Resource {
	a := feed.NewAttrs()
	a.Unknown("git records names and e-mail addresses, not sign-in names", "login")
	a.Unknown(onlyHost, "role", "two_factor", "approved_outside")
	a.Unknown("no commit has an e-mail address for this name", "email")
	if strings.Contains(p.key, "@") {
		a.Set("email", p.key)
	}
	a.Unknown("every commit of this person bears a date in the future or none", "last_active_at")
	if p.last != noDate {
		a.Time("last_active_at", time.Unix(min(p.last, now), 0))
	}
	name := p.name
	if name == "" {
		name = p.key
	}
	return a.Resource(kindMember, p.key, name)
}

// isHost says whether an address belongs to a host's own pages, which commit in a person's place.
func isHost(mail string) bool {
	return mail == "noreply@github.com" || mail == "noreply@gitlab.com" || mail == "noreply@bitbucket.org"
}
