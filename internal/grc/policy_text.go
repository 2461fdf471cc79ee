// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"assay/content"
	"assay/internal/errs"
)

// The least that a policy must say before somebody is asked to approve it. That it says the right thing only its
// reviewer can know.
const (
	leastWords    = 50 // in the whole text
	leastDistinct = 25 // different ones
	leastUnder    = 5  // beneath the heading of each required section
	leastOwn      = 4  // different ones, the words of the heading not counted
)

// required are the sections that the policy must have: its own, or where it has none those of the library's policy
// of the same ref.
func (p *Policy) required() ([]string, error) {
	if len(p.Sections) > 0 {
		return p.Sections, nil
	}
	all, err := content.Policies()
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		if strings.EqualFold(x.Ref, p.Ref) {
			return x.Sections, nil
		}
	}
	return nil, nil
}

// MissingSections lists the required sections that the text in force does not fill: no heading of that name, or
// nothing of its own beneath it. Where no text is in force, all of them are missing.
func (p *Policy) MissingSections() []string {
	p.settle()
	wanted, err := p.required()
	if err != nil {
		wanted = p.Sections
	}
	if !p.InForce() {
		return slices.Clone(wanted)
	}
	if p.ForceSections != nil {
		wanted = p.ForceSections
	}
	return unfilled(p.PublishedText, wanted)
}

// reviewable refuses a text that nobody could review: one without its required sections, or one that says nothing.
func (p *Policy) reviewable() error {
	if err := p.adopted(); err != nil {
		return err
	}
	wanted, err := p.required()
	if err != nil {
		return err
	}
	if missing := unfilled(p.Body, wanted); len(missing) > 0 {
		return errs.At("body", "these required sections need text of their own: %s", strings.Join(missing, ", ")).
			Mend("give each a heading (# Name) and at least one sentence below it; placeholders and copied text do not count")
	}
	all := wordsIn(plainText(p.Body))
	if n := len(all); n < leastWords {
		return errs.At("body", "the text has %d words; a policy needs at least %d", n, leastWords).Mend("write down what people must do")
	}
	if n := distinct(all, nil); n < leastDistinct {
		return errs.At("body", "the text repeats itself: it has only %d different words", n).Mend("write down what people must do")
	}
	return nil
}

// unfilled lists the sections without a text of their own. A text that stands under two headings counts for the first, and so
// does one that is another but for numbers, the name of its section and a word or two.
func unfilled(body string, wanted []string) []string {
	out := []string{}
	parts, told, raw := partsOf(body), [][]string{}, map[string]bool{}
	for _, name := range wanted {
		filled := false
		for _, part := range parts {
			all := wordsIn(plainText(part.text))
			own, said := ownWords(all, wordsIn(name)), strings.Join(all, " ")
			if !names(part.heading, name) || len(all) < leastUnder || distinct(own, nil) < leastOwn || raw[said] ||
				slices.ContainsFunc(told, func(x []string) bool { return alike(own, x) }) {
				continue
			}
			filled, told, raw[said] = true, append(told, own), true
			break
		}
		if !filled {
			out = append(out, name)
		}
	}
	return out
}

// ownWords are the words of a section, without numbers and without those of its name.
func ownWords(words, heading []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool {
		return slices.Contains(heading, w) || strings.ContainsFunc(w, unicode.IsDigit)
	})
}

// alike says whether two texts have the same words but for two, or in a short one but for one.
func alike(a, b []string) bool {
	may := 2
	if min(len(a), len(b)) < 8 {
		may = 1
	}
	left := map[string]int{}
	for _, w := range b {
		left[w]++
	}
	more := 0
	for _, w := range a {
		if left[w] > 0 {
			left[w]--
		} else {
			more++
		}
	}
	return more <= may && len(b)-(len(a)-more) <= may
}

// part is a heading with all that stands beneath it, smaller headings and their text too.
type part struct {
	heading string
	text    string
}

var (
	hashes    = regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$`)
	underline = regexp.MustCompile(`^ {0,3}(=+|-{2,})[ \t]*$`)
	fence     = regexp.MustCompile("^ {0,3}(```|~~~)")
	numbering = regexp.MustCompile(`^(\d+[.)]?)+[ \t]+`)
	comments  = regexp.MustCompile(`(?s)<!--.*?-->`)
	blanks    = regexp.MustCompile(`(?s)\[[^\]\n]*(insert|your |company|name|date|todo|tbd|fill|describe|write)[^\]\n]*\](\([^)]*\))?|<[a-zA-Z][^>\n]*>|\{\{.*?\}\}|_{3,}`)
	undone    = regexp.MustCompile(`(?i)\b(to ?do|tbd|tba|t\.b\.d\.|lorem ipsum|to be (written|done|defined|completed|added|decided)|placeholder|fill (this|me) in|write (this|the text|something) here|coming soon)\b`)
)

// partsOf finds the headings of a Markdown text, and what stands beneath each.
func partsOf(body string) []part {
	_, parts := headAndParts(body)
	return parts
}

// headAndParts finds also the text before the first heading.
func headAndParts(body string) (head string, out []part) {
	lines := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	type open struct{ at, level int }
	var stack []open
	start := func(level int, heading string) {
		for len(stack) > 0 && stack[len(stack)-1].level >= level {
			stack = stack[:len(stack)-1]
		}
		out = append(out, part{heading: heading})
		stack = append(stack, open{len(out) - 1, level})
	}
	fenced := false
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if fence.MatchString(l) {
			fenced = !fenced
		}
		if !fenced {
			if m := hashes.FindStringSubmatch(l); m != nil {
				start(len(m[1]), m[2])
				continue
			}
			if i+1 < len(lines) && strings.TrimSpace(l) != "" && underline.MatchString(lines[i+1]) {
				level := 2
				if strings.Contains(lines[i+1], "=") {
					level = 1
				}
				start(level, strings.TrimSpace(l))
				i++
				continue
			}
		}
		if len(stack) == 0 {
			head += l + "\n"
		}
		for _, o := range stack {
			out[o.at].text += l + "\n"
		}
	}
	return head, out
}

// names says whether a heading is that of a section: numbers before it, and words around it, do not matter.
func names(heading, section string) bool {
	h := " " + strings.Join(wordsIn(numbering.ReplaceAllString(heading, "")), " ") + " "
	s := strings.Join(wordsIn(section), " ")
	return s != "" && strings.Contains(h, " "+s+" ")
}

// plainText is a text without what only stands for one: comments, blanks to fill in, sentences that say that the
// text is still to come.
func plainText(body string) string {
	body = blanks.ReplaceAllString(comments.ReplaceAllString(body, " "), " ")
	var out strings.Builder
	for l := range strings.SplitSeq(body, "\n") {
		if undone.MatchString(l) && len(wordsIn(undone.ReplaceAllString(l, " "))) < 8 {
			continue
		}
		out.WriteString(l + "\n")
	}
	return out.String()
}

// wordsIn lists the words of a text in small letters. In scripts that put no space between words each sign is one.
func wordsIn(text string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
			word = word[:0]
		}
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer):
			flush()
			out = append(out, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			word = append(word, r)
		case r == '\'' || r == '’':
		default:
			flush()
		}
	}
	flush()
	return out
}

// distinct counts the different words, those of a heading not counted.
func distinct(words, heading []string) int {
	seen := map[string]bool{}
	for _, w := range words {
		if !slices.Contains(heading, w) {
			seen[w] = true
		}
	}
	return len(seen)
}
