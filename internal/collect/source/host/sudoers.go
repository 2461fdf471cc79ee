// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"assay/internal/collect/source/feed"
)

// grant is one sudo rule: for whom, whether for every command as root, whether without a password.
type grant struct {
	who        []string // accounts, %groups, #numbers, +netgroups, ALL; ! in front takes out
	all        bool
	noPassword bool
	elsewhere  bool // it is for hosts that may be others than this one
}

// sudoRules are all rules of a machine.
type sudoRules struct {
	grants  []grant
	aliases map[string]map[string][]string // kind of alias, its name, what it stands for
	free    []string                       // whom the defaults ask for no password; ALL is everybody
	read    func(string) ([]byte, error)
	list    func(string) ([]string, error)
	files   int
	host    string
}

const sudoFile = "/etc/sudoers"

// sudo says whom the sudo rules name.
func (p *probe) sudo(a *feed.Attrs) {
	rules, reason := p.sudoRules()
	if reason != "" {
		a.Unknown(reason, "sudoers", "sudo_without_password")
		return
	}
	all, free := map[string]bool{}, map[string]bool{}
	for _, g := range rules.grants {
		for _, w := range g.who {
			if strings.HasPrefix(w, "!") {
				continue
			}
			all[w] = true
			if g.noPassword {
				free[w] = true
			}
		}
	}
	a.Set("sudoers", sortedSet(all))
	a.Set("sudo_without_password", sortedSet(free))
}

func sortedSet(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// sudoRules reads the rules, or says why they cannot be read. No sudo and no rules is no grant.
func (p *probe) sudoRules() (*sudoRules, string) {
	r := &sudoRules{aliases: map[string]map[string][]string{}, read: p.read, list: p.list}
	if name, err := p.m.Hostname(); err == nil {
		r.host = name
	}
	if _, err := fs.Stat(p.m.Root, strings.TrimPrefix(sudoFile, "/")); errors.Is(err, fs.ErrNotExist) {
		for _, at := range []string{"/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/bin/sudo-rs"} {
			if p.exists(at) {
				return nil, "sudo is installed and there is no " + sudoFile
			}
		}
		return r, ""
	}
	if err := r.file(sudoFile, 0); err != nil {
		return nil, err.Error()
	}
	r.resolve()
	return r, ""
}

func (r *sudoRules) file(name string, depth int) error {
	if r.files++; depth > 32 || r.files > 256 {
		return errors.New("the sudo rules include each other too deep")
	}
	b, err := r.read(name)
	if err != nil {
		return errors.New(why(name, err))
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if done, err := r.includes(line, name, depth); err != nil || done {
			if err != nil {
				return err
			}
			continue
		}
		if line = uncomment(line); line == "" {
			continue
		}
		if err := r.line(line); err != nil {
			return fmt.Errorf("%s holds a rule that Assay cannot read", name)
		}
	}
	return nil
}

// includes follows @include and @includedir, and their old forms with #.
func (r *sudoRules) includes(line, from string, depth int) (bool, error) {
	for _, word := range []string{"includedir", "include"} {
		rest, ok := strings.CutPrefix(line, "@"+word)
		if !ok {
			rest, ok = strings.CutPrefix(line, "#"+word)
		}
		if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t') {
			continue
		}
		target := strings.Trim(strings.TrimSpace(rest), `"`)
		if target == "" || strings.ContainsAny(target, "%\\") {
			return true, fmt.Errorf("%s includes a file whose name depends on the machine", from)
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join(path.Dir(from), target)
		}
		if word == "include" {
			return true, r.file(target, depth+1)
		}
		names, err := r.list(target)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return true, errors.New(why(target, err))
		}
		for _, n := range names {
			if strings.Contains(n, ".") || strings.HasSuffix(n, "~") {
				continue // sudo leaves these out too
			}
			if err := r.file(path.Join(target, n), depth+1); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	return false, nil
}

// uncomment takes a comment off. #1000 is the number of an account, not a comment.
func uncomment(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '#':
			number := i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9'
			if !quoted && !number {
				return strings.TrimSpace(line[:i])
			}
		}
	}
	return line
}

// line reads an alias, a default or a rule.
func (r *sudoRules) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	if i := strings.IndexByte(word, '\t'); i >= 0 {
		word, rest = line[:i], line[i+1:]
	}
	switch word {
	case "User_Alias", "Host_Alias", "Runas_Alias", "Cmnd_Alias", "Cmd_Alias":
		for part := range splitOutside(rest, ':') {
			name, list, ok := strings.Cut(part, "=")
			if !ok {
				return errors.New("alias")
			}
			if r.aliases[word[:1]] == nil {
				r.aliases[word[:1]] = map[string][]string{}
			}
			r.aliases[word[:1]][strings.TrimSpace(name)] = commas(list)
		}
		return nil
	}
	if strings.HasPrefix(word, "Defaults") {
		r.defaults(word, rest)
		return nil
	}
	return r.rule(line)
}

// defaults looks for the one setting that does away with passwords.
func (r *sudoRules) defaults(word, rest string) {
	free := false
	for _, s := range commas(rest) {
		free = free || strings.ReplaceAll(s, " ", "") == "!authenticate"
	}
	switch {
	case !free:
	case word == "Defaults":
		r.free = append(r.free, "ALL")
	case strings.HasPrefix(word, "Defaults:"):
		r.free = append(r.free, commas(word[len("Defaults:"):])...)
	default: // for some hosts, commands or targets: as good as for everybody
		r.free = append(r.free, "ALL")
	}
}

// rule reads: users hosts = commands, and more hosts with commands after a colon.
func (r *sudoRules) rule(line string) error {
	left, right, ok := cutOutside(line, '=')
	if !ok {
		return errors.New("rule")
	}
	words := fieldsOutside(tightCommas(left))
	if len(words) != 2 {
		return errors.New("rule")
	}
	for hosts, more := words[1], right; hosts != ""; {
		g := grant{who: commas(words[0]), elsewhere: !r.here(commas(hosts))}
		var commands string
		commands, hosts, more = nextHosts(more)
		if err := r.commands(&g, commands); err != nil {
			return err
		}
		r.grants = append(r.grants, g)
	}
	return nil
}

// here says whether a list of hosts surely holds this machine.
func (r *sudoRules) here(hosts []string) bool {
	short, _, _ := strings.Cut(r.host, ".")
	sure := false
	for _, h := range hosts {
		if strings.HasPrefix(h, "!") {
			return false
		}
		sure = sure || r.stands("H", h, "ALL", 0) || (r.host != "" && (r.stands("H", h, r.host, 0) || r.stands("H", h, short, 0)))
	}
	return sure
}

var (
	sudoTags = []string{"NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT",
		"NOLOG_OUTPUT", "FOLLOW", "NOFOLLOW", "MAIL", "NOMAIL", "INTERCEPT", "NOINTERCEPT"}
	sudoOption = regexp.MustCompile(`^(?:ROLE|TYPE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|CWD|CHROOT|TIMEOUT|APPARMOR_PROFILE)[ \t]*=[ \t]*\S+[ \t]+`)
)

// nextHosts splits off the commands that end where other hosts begin: at a colon that belongs to
// no tag and is followed by names and an equals sign.
func nextHosts(s string) (commands, hosts, rest string) {
	for at := 0; ; {
		left, right, ok := cutOutside(s[at:], ':')
		if !ok {
			return s, "", ""
		}
		words := strings.Fields(strings.ReplaceAll(left, ",", " "))
		tag := len(words) > 0 && slices.Contains(sudoTags, words[len(words)-1][strings.LastIndex(words[len(words)-1], ")")+1:])
		if names, after, ok := cutOutside(right, '='); ok && !tag {
			return s[:at+len(left)], tightCommas(names), after
		}
		at += len(left) + 1
	}
}

// commands reads: (targets) TAGS: command, command. Targets and tags hold until others come.
func (r *sudoRules) commands(g *grant, text string) error {
	root := true
	for _, cmd := range commasOutside(text) {
		if strings.HasPrefix(cmd, "(") {
			target, rest, ok := strings.Cut(cmd[1:], ")")
			if !ok {
				return errors.New("targets")
			}
			users, _, _ := strings.Cut(target, ":")
			root = r.hasRoot(commas(users))
			cmd = strings.TrimSpace(rest)
		}
		cmd = sudoOption.ReplaceAllString(cmd, "")
		for {
			tag, rest, ok := strings.Cut(cmd, ":")
			if tag = strings.TrimSpace(tag); !ok || !slices.Contains(sudoTags, tag) {
				break
			}
			g.noPassword = g.noPassword || tag == "NOPASSWD" // one command without is enough to say so
			cmd = sudoOption.ReplaceAllString(strings.TrimSpace(rest), "")
		}
		g.all = g.all || (root && r.stands("C", cmd, "ALL", 0))
	}
	return nil
}

// hasRoot says whether targets hold root. Without any, root is meant.
func (r *sudoRules) hasRoot(targets []string) bool {
	if len(targets) == 0 {
		return true
	}
	for _, t := range targets {
		if r.stands("R", t, "ALL", 0) || r.stands("R", t, "root", 0) || t == "#0" {
			return true
		}
	}
	return false
}

// stands says whether a word, or the alias that it is, holds another word.
func (r *sudoRules) stands(kind, word, want string, depth int) bool {
	if word == want {
		return true
	}
	if depth > 16 {
		return false
	}
	for _, w := range r.aliases[kind][word] {
		if r.stands(kind, w, want, depth+1) {
			return true
		}
	}
	return false
}

// resolve puts the members of aliases in the place of their names.
func (r *sudoRules) resolve() {
	for i := range r.grants {
		r.grants[i].who = r.expand(r.grants[i].who, 0)
	}
	r.free = r.expand(r.free, 0)
}

func (r *sudoRules) expand(list []string, depth int) []string {
	var out []string
	for _, w := range list {
		name, not := strings.CutPrefix(w, "!")
		members, alias := r.aliases["U"][name]
		if !alias || depth > 16 {
			out = append(out, w)
			continue
		}
		for _, m := range r.expand(members, depth+1) {
			if not {
				m = "!" + m
			}
			out = append(out, strings.TrimPrefix(m, "!!"))
		}
	}
	return out
}
