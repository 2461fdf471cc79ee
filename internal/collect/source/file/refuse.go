// SPDX-License-Identifier: Apache-2.0

package file

import (
	"crypto/sha256"
	"slices"
	"strings"

	"assay/internal/collect/source/feed"
)

// notASum refuses a row that adds up others.
func (m *mapping) notASum(row int, key string) string {
	if isSum(key) {
		m.report.fault(row, "", "%q is a sum, and no %s of its own. Leave it out with except, such as {\"column\": [%q]}", cut(key), m.s.kind.Name, cut(key))
	}
	return key
}

// notLabelled refuses a row that is called a sum without being one by its key. A row with an address is no sum: people are
// called Sum.
func (m *mapping) notLabelled(r row, key, name string) {
	for _, v := range r.cells {
		if strings.Contains(cellText(v), "@") {
			return
		}
	}
	if isSum(key) {
		return // refused already
	}
	for _, label := range []string{name, r.label} {
		if isSum(label) {
			m.notASum(r.number, label)
			return
		}
	}
}

// mark stands for a text among many. Addresses are the same in every letter case.
func mark(text string) [16]byte {
	if strings.Contains(text, "@") {
		text = strings.ToLower(text)
	}
	sum := sha256.Sum256([]byte(text))
	return [16]byte(sum[:16])
}

const askWhich = "Nothing tells which one counts: leave one out with only or except, or set latest_by to the date column whose latest row counts"

// once reports a key that came before.
func (m *mapping) once(row int, key string) {
	if first, twice := m.keys[mark(key)]; twice {
		m.report.fault(row, strings.Join(m.s.cfg.Key, ", "), "the key %q is already in row %d. %s", cut(key), first, askWhich)
		return
	}
	m.keys[mark(key)] = row
}

// mail reports two people with one address: accounts are matched by it.
func (m *mapping) mail(row int, a *feed.Attrs) {
	mail, _ := a.Known["email"].(string)
	if mail == "" || m.s.kind.Name != "person" || slices.Contains(m.s.cfg.Shared, "email") {
		return
	}
	if first, twice := m.mails[mark(mail)]; twice {
		m.report.fault(row, "", "the e-mail %q is already in row %d. %s; or, if two people share it, set shared to email", cut(mail), first, askWhich)
		return
	}
	m.mails[mark(mail)] = row
}

func noAddress(v any) bool {
	s, text := v.(string)
	return text && !strings.Contains(s, "@")
}

// noAddress refuses an e-mail without @, for by it accounts and people are matched. Of source control, where an address is
// often not shown, it is unknown.
func (m *mapping) noAddress(a *feed.Attrs, c string, r row) {
	if m.s.kind.Name == "vcs.member" {
		a.Unknown("the cell is no e-mail address", "email")
		return
	}
	m.report.fault(r.number, c, "%q is no e-mail address: it has no @. Correct it, leave the row out with except, or map the column that has the address", cut(cellText(r.cells[c])))
}
