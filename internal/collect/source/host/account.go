// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// account is one line of /etc/passwd.
type account struct {
	name, password, shell string
	uid, gid              string
	groups                []string
}

// accounts lists the accounts of the machine itself. Without the list there is no complete run.
func (p *probe) accounts(device string) ([]collect.Resource, error) {
	text, err := p.read("/etc/passwd")
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the list of local accounts cannot be read: %s", why("/etc/passwd", err)).Because(err)
	}
	groups, groupErr := p.read("/etc/group")
	shadow, shadowErr := p.read("/etc/shadow")
	secrets := colonTable(string(shadow))
	rules, noRules := p.sudoRules()
	elsewhere := p.directoryGroups()
	seen := map[string]bool{}
	var out []collect.Resource
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) < 7 || f[0] == "" || strings.HasPrefix(f[0], "+") || strings.HasPrefix(f[0], "-") || seen[f[0]] {
			continue // of two lines with one name the system uses the first
		}
		seen[f[0]] = true
		acc := account{name: f[0], password: f[1], uid: f[2], gid: f[3], shell: f[6]}
		acc.groups = groupsOf(acc, string(groups))
		a := feed.NewAttrs()
		a.Set("device", device)
		a.Set("shell", acc.shell)
		a.Set("login", lets(acc.shell))
		if n, err := strconv.ParseInt(acc.uid, 10, 64); err == nil {
			a.Set("uid", n)
			a.Set("superuser", n == 0)
		}
		a.Unknown("the number of the account cannot be read", "uid", "superuser")
		password(a, acc, secrets, shadowErr)
		switch {
		case noRules != "":
			a.Unknown(noRules, "sudo", "sudo_all", "sudo_without_password")
		case groupErr != nil:
			a.Unknown(why("/etc/group", groupErr), "sudo", "sudo_all", "sudo_without_password")
		default:
			rules.judge(a, acc, elsewhere)
		}
		out = append(out, a.Resource(kindAccount, device+"/"+acc.name, acc.name))
	}
	if len(out) == 0 {
		return nil, errs.New(errs.Unavailable, "the list of local accounts holds no account")
	}
	return out, nil
}

// lets says whether a shell lets somebody work. No shell means the usual one.
func lets(shell string) bool {
	return !slices.Contains([]string{"nologin", "false", "sync", "shutdown", "halt", "true"}, path.Base(shell)) || shell == ""
}

func colonTable(text string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if _, twice := out[f[0]]; !twice {
			out[f[0]] = f
		}
	}
	return out
}

func groupsOf(acc account, groups string) []string {
	var out []string
	for line := range strings.Lines(groups) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) >= 4 && (f[2] == acc.gid || slices.Contains(strings.Split(f[3], ","), acc.name)) {
			out = append(out, "%"+f[0], "%#"+f[2])
		}
	}
	return out
}

// password says what state the password is in; the password itself, hashed or not, is never kept.
func password(a *feed.Attrs, acc account, secrets map[string][]string, shadowErr error) {
	field := acc.password
	if field == "x" {
		if shadowErr != nil {
			a.Unknown(why("/etc/shadow", shadowErr), "password", "password_changed_at")
			return
		}
		line := secrets[acc.name]
		if len(line) < 3 {
			a.Unknown("/etc/shadow has no line for the account", "password", "password_changed_at")
			return
		}
		field = line[1]
		if n, err := strconv.ParseInt(line[2], 10, 32); err == nil && n > 0 {
			a.Time("password_changed_at", time.Unix(n*86400, 0))
		}
	}
	a.Unknown("the day of the last change is not recorded", "password_changed_at")
	switch {
	case field == "":
		a.Set("password", "none")
	case strings.HasPrefix(field, "!"), strings.HasPrefix(field, "*"):
		a.Set("password", "locked")
	default:
		a.Set("password", "set")
	}
}

// directoryGroups says whether groups may also come from somewhere else than /etc/group.
func (p *probe) directoryGroups() bool {
	b, err := p.read("/etc/nsswitch.conf")
	if err != nil {
		return false // then the C library asks the files only
	}
	for line := range strings.Lines(string(b)) {
		key, val, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == "group" || strings.TrimSpace(key) == "initgroups" {
			for _, s := range strings.Fields(val) {
				if !slices.Contains([]string{"files", "compat", "systemd", "altfiles"}, s) && !strings.HasPrefix(s, "[") {
					return true
				}
			}
		}
	}
	return false
}

var errOpen = errors.New("cannot be told")

// judge says what the rules let one account do. elsewhere says that it may be in groups that are
// not known here.
func (r *sudoRules) judge(a *feed.Attrs, acc account, elsewhere bool) {
	var any, all, free, open bool
	freeByDefault, err := holds(r.free, acc, elsewhere)
	open = err != nil
	for _, g := range r.grants {
		hit, err := holds(g.who, acc, elsewhere)
		open = open || err != nil || (hit && g.elsewhere)
		if hit && !g.elsewhere {
			any, all, free = true, all || g.all, free || g.noPassword
		}
	}
	free = free || (any && freeByDefault)
	for name, yes := range map[string]bool{"sudo": any, "sudo_all": all, "sudo_without_password": free} {
		if yes || !open {
			a.Set(name, yes)
		} else {
			a.Unknown("a sudo rule names a group whose members, or hosts whose names, are not known here", name)
		}
	}
}

// holds says whether a list of names means an account. The last one that means it decides.
func holds(list []string, acc account, elsewhere bool) (bool, error) {
	hit := false
	var err error
	for _, w := range list {
		name, not := strings.CutPrefix(w, "!")
		switch {
		case name == "ALL", name == acc.name, name == "#"+acc.uid, slices.Contains(acc.groups, name):
			hit = !not
		case strings.HasPrefix(name, "+"), strings.HasPrefix(name, "%:"), strings.HasPrefix(name, "%") && elsewhere:
			err = errOpen
		}
	}
	return hit, err
}
