// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
)

// stale is how old the list of updates may be before it says nothing any more.
const stale = 7 * 24 * time.Hour

// updates counts the updates that the package lists on the machine offer. It does not fetch newer
// lists: that would change the machine.
func (p *probe) updates(a *feed.Attrs) {
	names := []string{"security_updates_pending", "updates_pending"}
	var checked time.Time
	for _, name := range []string{"update-success-stamp", "update-stamp"} { // Ubuntu writes the one, Debian's daily timer the other
		if info, err := fs.Stat(p.m.Root, "var/lib/apt/periodic/"+name); err == nil && !info.ModTime().Before(checked) {
			checked = info.ModTime()
			a.Time("updates_checked_at", checked)
		}
	}
	a.Unknown("the machine does not record when it fetched the list of updates", "updates_checked_at")
	if !p.exists("/var/lib/dpkg/status") {
		a.Unknown("Assay reads updates from apt, which this machine does not use", names...)
		return
	}
	at, reason := p.securityList()
	if reason != "" {
		a.Unknown(reason, names...)
		return
	}
	if age := p.m.Clock.Now().Sub(at); age > stale {
		a.Unknown(fmt.Sprintf("the list of security updates is %d days old; run apt-get update", int(age.Hours()/24)), names...)
		return
	}
	out, err := p.ask("apt-get", "-q", "--simulate", "-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=",
		"-o", "Dir::Cache::srcpkgcache=", "-o", "APT::Get::Show-User-Simulation-Note=false", "dist-upgrade")
	if err != nil {
		word := "apt-get could not work out the updates"
		if errors.Is(err, command.ErrMissing) {
			word = "apt-get is not installed"
		}
		a.Unknown(word, names...)
		return
	}
	all, security, held := countUpdates(out)
	if held {
		a.Unknown("some updates are held back, and apt-get does not say which of them are for security", names...)
		return
	}
	a.Set("updates_pending", all)
	a.Set("security_updates_pending", security)
}

// securityList gives the date that the archive of security updates wrote into its list.
func (p *probe) securityList() (time.Time, string) {
	const folder = "/var/lib/apt/lists"
	files, err := p.list(folder)
	if err != nil {
		return time.Time{}, why(folder, err)
	}
	var newest time.Time
	for _, f := range files {
		if !strings.Contains(f, "security") || !(strings.HasSuffix(f, "_InRelease") || strings.HasSuffix(f, "_Release")) {
			continue
		}
		b, err := p.read(folder + "/" + f)
		if err != nil {
			return time.Time{}, why(folder+"/"+f, err)
		}
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "Date:"); ok {
				if t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 MST", strings.TrimSpace(v)); err == nil && t.After(newest) {
					newest = t
				}
				break
			}
		}
	}
	if newest.IsZero() {
		return newest, "the machine has no list of security updates; run apt-get update"
	}
	return newest, ""
}

// countUpdates reads what apt-get says that it would install: Inst name [old] (new archive, ...).
func countUpdates(out string) (all, security int64, held bool) {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "The following packages have been kept back") || strings.Contains(line, "deferred due to phasing") {
			held = true
		}
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "Inst" || !strings.HasPrefix(f[2], "[") {
			continue // one without an old version is new, not an update
		}
		all++
		if _, from, ok := strings.Cut(line, "("); ok && (strings.Contains(from, "-security") || strings.Contains(from, "Debian-Security")) {
			security++
		}
	}
	return all, security, held
}

// timeSync asks the kernel, which every time service tells.
func (p *probe) timeSync(a *feed.Attrs) {
	ok, err := p.m.Synced()
	if err != nil {
		a.Unknown("the kernel does not say", "time_synchronised")
		return
	}
	a.Set("time_synchronised", ok)
}

// logs says how long the system's log is kept.
func (p *probe) logs(a *feed.Attrs) {
	if days, reason := p.rotation(); reason == "" {
		a.Set("log_retention_days", days)
	} else {
		a.Unknown(reason, "log_retention_days")
	}
	if !p.exists("/run/systemd/journal") {
		a.Unknown("systemd's journal does not run here", "journal_persistent")
		return
	}
	storage, err := p.journal()
	switch {
	case err != nil:
		a.Unknown(why("the journal's configuration", err), "journal_persistent")
	case storage == "persistent":
		a.Set("journal_persistent", true)
	case storage == "volatile", storage == "none":
		a.Set("journal_persistent", false)
	default:
		a.Set("journal_persistent", p.exists("/var/log/journal"))
	}
}

// journal reads Storage= from the main file and from the additions, in order of their names.
func (p *probe) journal() (string, error) {
	storage := "auto"
	files := map[string]string{}
	for _, folder := range []string{"/usr/lib/systemd/journald.conf.d", "/run/systemd/journald.conf.d", "/etc/systemd/journald.conf.d"} {
		names, err := p.list(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		for _, n := range names {
			if strings.HasSuffix(n, ".conf") {
				files[n] = folder + "/" + n
			}
		}
	}
	var order []string
	for n := range files {
		order = append(order, n)
	}
	slices.Sort(order)
	all := []string{"/etc/systemd/journald.conf"}
	for _, n := range order {
		all = append(all, files[n])
	}
	for _, f := range all {
		b, err := p.read(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if v := assignments(string(b))["Storage"]; v != "" {
			storage = strings.ToLower(v)
		}
	}
	return storage, nil
}

var periods = map[string]int64{"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}

// rotation works out how many days logrotate keeps the system's log. Where a size decides, days do not.
func (p *probe) rotation() (int64, string) {
	var wanted []string
	for _, f := range []string{"/var/log/auth.log", "/var/log/secure", "/var/log/syslog", "/var/log/messages"} {
		if p.exists(f) {
			wanted = append(wanted, f)
		}
	}
	if len(wanted) == 0 {
		return 0, "no system log is kept in a file; the journal keeps its own by size"
	}
	main, err := p.read("/etc/logrotate.conf")
	if err != nil {
		return 0, why("/etc/logrotate.conf", err)
	}
	files := []string{string(main)}
	names, err := p.list("/etc/logrotate.d")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, why("/etc/logrotate.d", err)
	}
	for _, n := range names {
		b, err := p.read("/etc/logrotate.d/" + n)
		if err != nil {
			return 0, why("/etc/logrotate.d/"+n, err)
		}
		files = append(files, string(b))
	}
	shortest := int64(-1)
	for _, log := range wanted {
		days, reason := rotationOf(log, files)
		if reason != "" {
			return 0, reason
		}
		if shortest < 0 || days < shortest {
			shortest = days
		}
	}
	return shortest, ""
}

// rotationOf reads logrotate's files: settings outside of braces are for all that follow, those
// inside for the logs named before the brace.
func rotationOf(log string, files []string) (int64, string) {
	general := map[string]string{"rotate": "0"}
	for _, text := range files {
		own := general
		var heads []string
		inside, script, named := false, false, false
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			f := strings.Fields(strings.ReplaceAll(line, "{", " { "))
			if len(f) == 0 {
				continue
			}
			switch first := f[0]; {
			case script:
				script = first != "endscript"
			case slices.Contains([]string{"prerotate", "postrotate", "firstaction", "lastaction", "preremove"}, first):
				script = true
			case first == "}":
				if named {
					return daysOf(own, log)
				}
				inside, named, own, heads = false, false, general, nil
			case !inside && (strings.HasPrefix(first, "/") || strings.HasPrefix(first, `"`) || first == "{"):
				heads = append(heads, f...)
				if slices.Contains(heads, "{") {
					inside, named = true, names(heads, log)
					own = copyOf(general)
				}
			default:
				set(own, f)
			}
		}
	}
	return 0, "logrotate has no rule for " + log
}

func copyOf(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func names(heads []string, log string) bool {
	for _, h := range heads {
		if ok, err := path.Match(strings.Trim(h, `"`), log); err == nil && ok {
			return true
		}
	}
	return false
}

func set(to map[string]string, f []string) {
	if _, ok := periods[f[0]]; ok {
		to["period"] = f[0]
	}
	if len(f) > 1 && slices.Contains([]string{"rotate", "size", "maxsize", "maxage"}, f[0]) {
		to[f[0]] = f[1]
	}
}

func daysOf(m map[string]string, log string) (int64, string) {
	if m["size"] != "" || m["maxsize"] != "" {
		return 0, log + " is rotated by size, so the days are not fixed"
	}
	n, err := strconv.ParseInt(m["rotate"], 10, 32)
	if err != nil || n < 0 || m["period"] == "" {
		return 0, "the rule of logrotate for " + log + " cannot be read"
	}
	days := n * periods[m["period"]]
	if age, err := strconv.ParseInt(m["maxage"], 10, 32); err == nil && age > 0 {
		days = min(days, age)
	}
	return days, ""
}

// lock says whether anybody works at the machine's screen, and reads how soon the desktop locks the screen, where the administrator fixed it for everybody.
func (p *probe) lock(a *feed.Attrs) {
	desktop := p.exists("/usr/share/xsessions") || p.exists("/usr/share/wayland-sessions")
	a.Set("class", map[bool]string{true: "workstation", false: "server"}[desktop])
	if !desktop {
		a.Unknown("there is no desktop whose screen could lock", "lock_minutes")
		return
	}
	values, locked := map[string]string{}, map[string]bool{}
	bases, err := p.list("/etc/dconf/db")
	if err != nil {
		a.Unknown("each person sets the screen lock for themselves; nothing fixes it for all", "lock_minutes")
		return
	}
	for _, base := range bases {
		if strings.HasSuffix(base, ".d") {
			p.dconf("/etc/dconf/db/"+base, values, locked)
		}
	}
	const idle, delay, on = "/org/gnome/desktop/session/idle-delay", "/org/gnome/desktop/screensaver/lock-delay", "/org/gnome/desktop/screensaver/lock-enabled"
	seconds, err := strconv.ParseInt(strings.TrimPrefix(values[idle], "uint32 "), 10, 64)
	wait, waitErr := strconv.ParseInt(strings.TrimPrefix(values[delay], "uint32 "), 10, 64)
	switch {
	case !locked[idle] || !locked[on] || !locked[delay] || err != nil || waitErr != nil || seconds < 0 || wait < 0:
		a.Unknown("each person sets the screen lock for themselves; nothing fixes it for all", "lock_minutes")
	case values[on] == "false" || seconds == 0:
		a.Set("lock_minutes", nil)
	case values[on] == "true":
		a.Set("lock_minutes", (seconds+wait+59)/60)
	default:
		a.Unknown("the setting of the screen lock cannot be read", "lock_minutes")
	}
}

// dconf reads one folder of settings for everybody, and which of them are fixed.
func (p *probe) dconf(folder string, values map[string]string, locked map[string]bool) {
	files, err := p.list(folder)
	if err != nil {
		return // what is not read stays unknown
	}
	for _, f := range files {
		section := ""
		for line := range strings.Lines(p.text(folder + "/" + f)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = "/" + strings.Trim(line, "[]") + "/"
			} else if k, v, ok := strings.Cut(line, "="); ok {
				values[section+strings.TrimSpace(k)] = strings.TrimSpace(v)
			}
		}
	}
	files, err = p.list(folder + "/locks")
	if err != nil {
		return
	}
	for _, f := range files {
		for line := range strings.Lines(p.text(folder + "/locks/" + f)) {
			locked[strings.TrimSpace(line)] = true
		}
	}
}
