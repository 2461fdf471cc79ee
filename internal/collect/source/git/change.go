// SPDX-License-Identifier: Apache-2.0

package git

import (
	"sort"
	"strconv"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
)

// change is one step of the default branch: a merge with all that it brought in, or a commit made
// on the branch itself. Git records a squash and a fast-forward as such commits too.
type change struct {
	at      int32
	hash    string
	subject string
	number  int64 // of the merge request, where the message names one
	ticket  string
	urgent  bool    // the message calls it an emergency
	brought []int32 // commits that this step made reachable; the step itself is the first
}

func newChange(at int32, hash, message string, finder *ticketFinder) *change {
	m := readMessage(message)
	return &change{at: at, hash: hash, subject: m.subject, number: m.number(),
		ticket: finder.find(m), urgent: m.emergency()}
}

// eachChange walks the chain of first parents from its root on and hands over every change in the
// period with the commits that it brought in. Every commit is visited once.
func (h *history) eachChange(yield func(*change) error) error {
	visited := make([]bool, len(h.commits))
	var stack []int32
	for i := len(h.chain) - 1; i >= 0; i-- {
		c := h.changes[h.chain[i]]
		stack = append(stack[:0], h.chain[i])
		visited[h.chain[i]] = true
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if c != nil {
				c.brought = append(c.brought, at)
			}
			for _, p := range h.commits[at].parents {
				if !visited[p] {
					visited[p] = true
					stack = append(stack, p)
				}
			}
		}
		if c == nil {
			continue
		}
		if err := yield(c); err != nil {
			return err
		}
		c.brought = nil
	}
	return nil
}

func (c *change) resource(repo string, h *history) collect.Resource {
	top := &h.commits[c.at]
	a := feed.NewAttrs()
	a.Set("repo", repo)
	a.Set("merge_commit", c.hash)
	label := c.hash[:12]
	if c.number > 0 {
		a.Set("number", c.number)
		label = "#" + strconv.FormatInt(c.number, 10)
	}
	a.Unknown("the commit message names no merge request", "number")
	c.people(a, h)
	if top.when == noDate {
		a.Unknown("the commit bears no date that makes sense", "merged_at")
	} else {
		a.Time("merged_at", time.Unix(top.when, 0))
	}
	switch {
	case c.ticket != "":
		a.Set("ticket_ref", c.ticket)
	case h.finder.messagesTell:
		a.Set("ticket_ref", nil)
	}
	a.Unknown("the commit message names no ticket; a merge request may name one, which git does not record", "ticket_ref")
	if c.urgent {
		a.Set("emergency", true)
	}
	a.Unknown("the commit message does not call it an emergency, and git records nothing else that would", "emergency")
	a.Unknown("git does not record approvals", "approvers", "approved_at", "post_review_at")
	a.Unknown("git does not record checks", "checks_passed")
	a.Unknown("git does not record labels", "labels")
	return a.Resource(kindChange, c.hash, title(label, c.subject))
}

// people says who wrote the change and who merged it. A host's own address in place of a person is
// never taken for that person.
func (c *change) people(a *feed.Attrs, h *history) {
	top := &h.commits[c.at]
	merge := len(top.parents) > 1
	authors, writers := map[string]bool{}, map[string]bool{}
	for _, at := range c.brought {
		if merge && at == c.at {
			continue // the merge itself is the merger's work, not the author's
		}
		b := &h.commits[at]
		h.name(authors, b.author)
		h.name(writers, b.author)
		h.name(writers, b.committer)
		for _, p := range b.coauthors {
			h.name(writers, p)
		}
	}
	if merge && len(c.brought) == 1 { // it joined what was there already: its own maker is its author
		h.name(authors, top.author)
		h.name(writers, top.author)
	}
	if len(writers) > 0 {
		a.Set("commits_by", sorted(writers))
	}
	a.Unknown("no commit of this change names a person", "commits_by")
	switch len(authors) {
	case 0:
		a.Unknown("no commit of this change names a person", "author")
	case 1:
		a.Set("author", sorted(authors)[0])
	default:
		a.Unknown("several people wrote this change (see commits_by); git does not record who proposed it", "author")
	}
	merger := map[string]bool{}
	h.name(merger, top.committer)
	if len(merger) == 0 && merge {
		h.name(merger, top.author) // a host's merge button: the one who pressed it is the merge's author
	}
	if len(merger) == 1 {
		a.Set("merged_by", sorted(merger)[0])
	}
	a.Unknown("the host made the commit and git records its address in place of the person who merged", "merged_by")
}

// name adds a person's address to a set, unless it is a host's own.
func (h *history) name(to map[string]bool, p int32) {
	if p >= 0 && !isHost(h.people[p].key) {
		to[h.people[p].key] = true
	}
}

// commit makes the resource of one commit that the change brought in.
func (c *change) commit(repo string, h *history, at int32) collect.Resource {
	b := &h.commits[at]
	a := feed.NewAttrs()
	a.Set("repo", repo)
	a.Set("change", c.hash)
	for name, p := range map[string]int32{"author": b.author, "committer": b.committer} {
		if p >= 0 {
			a.Set(name, h.people[p].key)
		}
		a.Unknown("the commit names nobody", name)
	}
	if b.when != noDate {
		a.Time("committed_at", time.Unix(b.when, 0))
	}
	a.Unknown("the commit bears no date that makes sense", "committed_at")
	a.Set("signed", b.signed)
	if !b.signed {
		a.Set("signature_verified", false)
	}
	a.Unknown("checking a signature needs the signers' keys, which the repository does not hold", "signature_verified")
	a.Set("claimed_reviewers", append([]string{}, b.claimed...))
	name := h.nameOf(at)
	return a.Resource(kindCommit, name, name[:12])
}

func title(number, subject string) string {
	if r := []rune(subject); len(r) > 120 {
		subject = string(r[:119]) + "…"
	}
	return number + " " + subject
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
