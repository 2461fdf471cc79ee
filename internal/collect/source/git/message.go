// SPDX-License-Identifier: Apache-2.0

package git

import (
	"regexp"
	"strconv"
	"strings"

	"assay/internal/collect/source/feed"
)

// message is a commit message without git's indent.
type message struct {
	subject  string
	text     string
	trailers map[string][]string // the last paragraph's "Key: value" lines, keys in lower case
}

var trailerForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]+(\S.*)$`)

func readMessage(raw string) message {
	m := message{text: unindent(raw), trailers: map[string][]string{}}
	m.subject, _, _ = strings.Cut(m.text, "\n")
	body := strings.TrimRight(m.text, "\n")
	if at := strings.LastIndex(body, "\n\n"); at >= 0 { // the subject's own paragraph holds no trailers
		for line := range strings.SplitSeq(body[at+2:], "\n") {
			if f := trailerForm.FindStringSubmatch(line); f != nil {
				key := strings.ToLower(f[1])
				m.trailers[key] = append(m.trailers[key], strings.TrimSpace(f[2]))
			}
		}
	}
	return m
}

func unindent(raw string) string {
	lines := strings.Split(raw, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "    ")
	}
	return feed.Text(strings.TrimRight(strings.Join(lines, "\n"), "\n"))
}

var (
	mergedPull    = regexp.MustCompile(`^Merge pull request #([1-9][0-9]{0,9}) from \S`)
	squashedPull  = regexp.MustCompile(`\(#([1-9][0-9]{0,9})\)$`)
	mergedRequest = regexp.MustCompile(`(?m)^See merge request \S*!([1-9][0-9]{0,9})$`)
)

// number is that of the merge request, as the usual hosts write it into the messages they make.
func (m message) number() int64 {
	for _, form := range []*regexp.Regexp{mergedPull, squashedPull} {
		if f := form.FindStringSubmatch(m.subject); f != nil {
			return whole(f[1])
		}
	}
	if f := mergedRequest.FindStringSubmatch(m.text); f != nil {
		return whole(f[1])
	}
	return 0
}

func whole(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // at most ten digits, by the expressions above
	return n
}

// reviewers are those whom the message names. It is a claim: whoever commits can write it.
func (m message) reviewers() []string {
	var out []string
	for _, key := range []string{"reviewed-by", "acked-by", "approved-by"} {
		out = append(out, m.trailers[key]...)
	}
	return out
}

// emergency says whether the message calls the change one.
func (m message) emergency() bool {
	for _, v := range m.trailers["emergency"] {
		switch strings.ToLower(v) {
		case "yes", "true", "1":
			return true
		}
	}
	return false
}

// coauthors gives "Name <address>" of the people who wrote a commit along with its author.
func (m message) coauthors() []string {
	var out []string
	for _, v := range m.trailers["co-authored-by"] {
		if strings.Contains(v, "<") && strings.HasSuffix(v, ">") {
			out = append(out, v)
		}
	}
	return out
}

// ticketFinder looks for a ticket that a message refers to. Words like UTF-8 and CVE-2024 look
// like ticket keys, so a key counts only where its place makes it one, or where its project was
// named in the configuration.
type ticketFinder struct {
	forms        []*regexp.Regexp
	messagesTell bool // the company's rule is that the message names the ticket, so none there is none at all
}

const keyForm = `[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}`

var plainForms = []*regexp.Regexp{
	regexp.MustCompile(`(?im)^(?:ticket|issue|jira|refs|ref|story|bug)[ \t]*:[ \t]*(\S{1,200})`),
	regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|refs?|part of|relates to|see issue)[ \t]*:?[ \t]+((?:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#[1-9][0-9]{0,9})\b`),
	regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|refs?)[ \t]*:?[ \t]+(https?://\S+/(?:issues|work_items|browse)/[A-Za-z0-9_-]+)`),
	regexp.MustCompile(`(?:close[sd]?|[Ff]ix(?:e[sd])?|[Rr]esolve[sd]?|[Cc]loses)[ \t]*:?[ \t]+(` + keyForm + `)\b`),
	regexp.MustCompile(`^\[(` + keyForm + `)\]`),
	regexp.MustCompile(`^(` + keyForm + `)(?::|[ \t])`),
	regexp.MustCompile(`^[a-z]{2,12}\((` + keyForm + `)\)!?:`),
}

// notTickets are words with the form of a ticket key that are something else.
var notTickets = regexp.MustCompile(`^(?:UTF|SHA|MD|ISO|IEC|RFC|CVE|CWE|GHSA|AES|RSA|HTTP|TLS|SSL|IPV|WIN|X|ES|PEP|PSR|EC|P|ED|MP|USB|ARM|AMD|GPT|PHP|PY|GO|JAVA|SOC|PCI|NIST|BASE|INT|FLOAT|UINT|LATIN|CP|WINDOWS|KOI|TODO|STEP|PART|PHASE|DAY|WEEK|LINE|TEST)[0-9]*-`)

func newTicketFinder(prefixes []string, messagesTell bool) *ticketFinder {
	f := &ticketFinder{forms: plainForms, messagesTell: messagesTell}
	if len(prefixes) > 0 {
		named := regexp.MustCompile(`(?i)\b((?:` + strings.Join(prefixes, "|") + `)-[1-9][0-9]{0,8})\b`)
		f.forms = append([]*regexp.Regexp{named}, plainForms...)
	}
	return f
}

// find gives the first ticket that the message refers to, or nothing.
func (f *ticketFinder) find(m message) string {
	text := m.text
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	for i, form := range f.forms {
		hit := form.FindStringSubmatch(text)
		if hit == nil {
			continue
		}
		named := len(f.forms) > len(plainForms) && i == 0
		if named || !notTickets.MatchString(strings.ToUpper(hit[1])) {
			return hit[1]
		}
	}
	return ""
}
