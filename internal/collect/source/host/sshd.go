// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"assay/internal/collect/source/feed"
)

// ssh says what the SSH server lets in. A setting under a condition counts where it is laxer than
// the general one: somebody gets in by it.
func (p *probe) ssh(a *feed.Attrs) {
	const file = "/etc/ssh/sshd_config"
	names := []string{"ssh_password_login", "ssh_root_login", "ssh_empty_passwords"}
	if _, err := p.read(file); errors.Is(err, fs.ErrNotExist) {
		if p.exists("/usr/sbin/sshd") {
			a.Set("ssh_server", true)
			a.Unknown("there is an SSH server and no "+file, names...)
			return
		}
		a.Set("ssh_server", false)
		a.Unknown("there is no SSH server", names...)
		return
	}
	a.Set("ssh_server", true)
	c := sshConfig{general: map[string]string{}, read: p.read, glob: p.glob}
	if err := c.file(file, false, 0); err != nil {
		a.Unknown(err.Error(), names...)
		return
	}
	a.Set("ssh_password_login", c.laxest("passwordauthentication", "yes", "no", "yes") == "yes")
	a.Set("ssh_empty_passwords", c.laxest("permitemptypasswords", "no", "no", "yes") == "yes")
	root := c.laxest("permitrootlogin", "prohibit-password", "no", "forced-commands-only", "prohibit-password", "yes")
	a.Set("ssh_root_login", root)
	if c.odd != "" {
		for _, n := range names {
			delete(a.Known, n)
		}
		a.Unknown(c.odd, names...)
	}
}

// glob lists the files of a pattern, in order of their names.
func (p *probe) glob(pattern string) ([]string, error) {
	found, err := fs.Glob(p.m.Root, strings.TrimPrefix(pattern, "/"))
	if err != nil {
		return nil, err
	}
	// Glob says nothing of folders that it may not read.
	if folder := strings.TrimPrefix(path.Dir(pattern), "/"); len(found) == 0 && !strings.ContainsAny(folder, "*?[") {
		if _, err := fs.ReadDir(p.m.Root, folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for i := range found {
		found[i] = "/" + found[i]
	}
	slices.Sort(found)
	return found, nil
}

// sshConfig is what sshd_config says. Of the general settings the first counts; those under a
// Match stand beside them.
type sshConfig struct {
	general map[string]string
	special []map[string]string
	odd     string // a value that is not known
	read    func(string) ([]byte, error)
	glob    func(string) ([]string, error)
	files   int
}

const maxIncludes = 16

// file reads one file; in says that it is included under a Match.
func (c *sshConfig) file(name string, in bool, depth int) error {
	if c.files++; depth > maxIncludes || c.files > 256 {
		return errors.New("the SSH server's files include each other too deep")
	}
	b, err := c.read(name)
	if err != nil {
		return errors.New(why(name, err))
	}
	var special map[string]string
	if in {
		special = map[string]string{}
		c.special = append(c.special, special)
	}
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		key, args, err := sshLine(line)
		if err != nil {
			return fmt.Errorf("line %d of %s cannot be read", number, name)
		}
		switch {
		case key == "":
		case key == "match":
			special = map[string]string{} // until the next one, or the end of this file
			c.special = append(c.special, special)
		case key == "include":
			if err := c.include(args, special != nil, depth); err != nil {
				return err
			}
		case len(args) == 0:
			return fmt.Errorf("line %d of %s cannot be read", number, name)
		case special != nil:
			setFirst(special, key, args[0])
		default:
			setFirst(c.general, key, args[0])
		}
	}
	return nil
}

func (c *sshConfig) include(patterns []string, in bool, depth int) error {
	for _, p := range patterns {
		if !strings.HasPrefix(p, "/") {
			p = "/etc/ssh/" + p
		}
		files, err := c.glob(p)
		if err != nil {
			return errors.New(why(p, err))
		}
		for _, f := range files {
			if err := c.file(f, in, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func setFirst(m map[string]string, key, val string) {
	if _, ok := m[key]; !ok {
		m[key] = strings.ToLower(val)
	}
}

// sshLine splits a line into its keyword, in lower case, and its arguments.
func sshLine(line string) (string, []string, error) {
	line = strings.TrimSpace(strings.ReplaceAll(line, "\x00", ""))
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return strings.ToLower(line), nil, nil
	}
	key, rest := strings.ToLower(line[:end]), strings.TrimLeft(line[end:], " \t")
	if strings.HasPrefix(rest, "=") {
		rest = rest[1:]
	}
	var args []string
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == '#' {
			break
		}
		if rest[0] == '"' {
			word, after, ok := strings.Cut(rest[1:], `"`)
			if !ok {
				return "", nil, errors.New("a quote is open")
			}
			args, rest = append(args, word), after
			continue
		}
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		args, rest = append(args, rest[:end]), rest[end:]
	}
	return key, args, nil
}

// laxest gives the laxest value that holds for anybody. order goes from strict to lax.
func (c *sshConfig) laxest(key, fallback string, order ...string) string {
	best := -1
	consider := func(v string) {
		if v == "without-password" { // the old name
			v = "prohibit-password"
		}
		at := slices.Index(order, v)
		if at < 0 {
			c.odd = fmt.Sprintf("the SSH server's setting %s has the value %q, which Assay does not know", key, v)
		}
		best = max(best, at)
	}
	if v, ok := c.general[key]; ok {
		consider(v)
	} else {
		consider(fallback)
	}
	for _, m := range c.special {
		if v, ok := m[key]; ok {
			consider(v)
		}
	}
	return order[max(best, 0)]
}
