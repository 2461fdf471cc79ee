// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
)

// probe reads one machine once.
type probe struct {
	ctx       context.Context //nolint:containedctx // a probe lives as long as one run
	m         Machine
	cfg       Config
	container string // the sign that this is one, or nothing
	virtual   *bool  // nil where it cannot be told
}

const maxFile = 4 << 20

// read gives a file of the machine, named from / on.
func (p *probe) read(name string) ([]byte, error) {
	f, err := p.m.Root.Open(strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return b, nil
}

func (p *probe) text(name string) string {
	b, err := p.read(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (p *probe) exists(name string) bool {
	_, err := fs.Stat(p.m.Root, strings.TrimPrefix(name, "/"))
	return err == nil
}

func (p *probe) list(name string) ([]string, error) {
	entries, err := fs.ReadDir(p.m.Root, strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	slices.Sort(out)
	return out, nil
}

// why puts an error of reading into words.
func why(name string, err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "needs root: " + name
	case errors.Is(err, fs.ErrNotExist):
		return "there is no " + name
	}
	return name + " cannot be read"
}

// ask runs a program of the system and gives what it said.
func (p *probe) ask(name string, args ...string) (string, error) {
	out, _, err := command.Output(p.ctx, p.m.Run, command.Command{Name: name, Args: args, Timeout: 30 * time.Second}, 16<<20)
	return string(out), err
}

// place finds out whether this is a container or a virtual machine.
func (p *probe) place() {
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv", "/run/systemd/container"} {
		if p.exists(sign) {
			p.container = sign
		}
	}
	if env, err := p.read("/proc/1/environ"); err == nil {
		for v := range strings.SplitSeq(string(env), "\x00") {
			if strings.HasPrefix(v, "container=") && v != "container=" {
				p.container = "the first process says so"
			}
		}
	}
	for _, word := range []string{"docker", "kubepods", "/lxc", "libpod", "containerd"} {
		if strings.Contains(p.text("/proc/1/cgroup"), word) {
			p.container = "/proc/1/cgroup"
		}
	}
	if p.wholeMachine() {
		p.container = ""
	}
	yes, no := true, false
	flags := p.text("/proc/cpuinfo")
	board := strings.ToLower(p.text("/sys/class/dmi/id/sys_vendor") + " " + p.text("/sys/class/dmi/id/product_name"))
	switch {
	case strings.Contains(flags, " hypervisor"), p.exists("/sys/hypervisor/type"):
		p.virtual = &yes
	case strings.Contains(flags, "\nflags"): // x86 says so where it is one
		p.virtual = &no
	}
	for _, maker := range []string{"qemu", "vmware", "virtualbox", "innotek", "xen", "amazon ec2", "google compute", "virtual machine", "parallels", "kvm", "bochs", "openstack"} {
		if strings.Contains(board, maker) {
			p.virtual = &yes
		}
	}
}

// wholeMachine says whether the kernel's own processes can be seen and the root file system lies on
// a disk of its own: no container has both. Machines made from container images keep the files
// that would say otherwise.
func (p *probe) wholeMachine() bool {
	if p.text("/proc/2/comm") != "kthreadd" {
		return false
	}
	for _, m := range mounts(p.text("/proc/self/mountinfo")) {
		if m.point == "/" && m.kind != "overlay" {
			return true
		}
	}
	return false
}

// key names the machine in the same way in every run, with or without root. The machine's own
// identifier is meant to stay on it, so it is hashed.
func (p *probe) key(name string) string {
	for _, file := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		id := p.text(file)
		if len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" {
			sum := sha256.Sum256([]byte("assay host\x00" + id))
			return "machine-" + hex.EncodeToString(sum[:16])
		}
	}
	return "host-" + name
}

const inContainer = "Assay runs in a container and sees that in place of the machine"

// device fills in what the kind device knows.
func (p *probe) device(a *feed.Attrs) {
	a.Set("active", true)
	a.Time("last_seen_at", p.m.Clock.Now().Truncate(24*time.Hour)) // the day: a run in which nothing changed must leave no new version
	if p.cfg.Owner != "" {
		a.Set("owner_ref", p.cfg.Owner)
	}
	if p.container != "" {
		a.Unknown(inContainer, "class", "serial", "os", "os_supported", "disk_encrypted", "lock_minutes", "av_running", "firewall_on")
		return
	}
	p.serial(a)
	p.system(a)
	p.disk(a)
	p.lock(a)
	p.malware(a)
	p.firewall(a)
}

// setting fills in what the kind host.setting knows.
func (p *probe) setting(a *feed.Attrs, key string) {
	a.Set("device", key)
	a.Set("container", p.container != "")
	if p.virtual != nil {
		a.Set("virtual", *p.virtual)
	}
	a.Unknown("the processor does not say", "virtual")
	p.updates(a)
	p.timeSync(a)
	p.logs(a)
	p.ssh(a)
	p.sudo(a)
}

// serial gives the maker's number of the machine, where its firmware has a real one.
func (p *probe) serial(a *feed.Attrs) {
	const file = "/sys/class/dmi/id/product_serial"
	b, err := p.read(file)
	if err != nil {
		a.Unknown(why(file, err), "serial")
		return
	}
	s := strings.TrimSpace(string(b))
	switch strings.ToLower(s) {
	case "", "0", "none", "n/a", "default string", "to be filled by o.e.m.", "system serial number", "not specified", "not applicable", "123456789", "unknown":
		a.Unknown("the machine's firmware has no serial number", "serial")
	default:
		a.Set("serial", s)
	}
}

// malware looks for processes of malware protection. That none of those we know runs does not say
// that nothing runs, unless the configuration names the one there should be.
func (p *probe) malware(a *feed.Attrs) {
	want := p.cfg.Malware
	if len(want) == 0 {
		want = knownMalware
	}
	entries, err := p.list("/proc")
	if err != nil {
		a.Unknown(why("/proc", err), "av_running")
		return
	}
	seen := 0
	for _, e := range entries {
		if strings.Trim(e, "0123456789") != "" {
			continue
		}
		name := p.text(path.Join("/proc", e, "comm"))
		if name == "" {
			continue
		}
		seen++
		for _, w := range want {
			if name == w || (len(w) > 15 && name == w[:15]) { // the kernel keeps 15 characters
				a.Set("av_running", true)
				return
			}
		}
	}
	switch {
	case len(p.cfg.Malware) == 0:
		a.Unknown("none of the malware protection that Assay knows runs; name your own in malware_processes", "av_running")
	case !p.m.Super && strings.Contains(p.text("/proc/self/mountinfo"), "hidepid="):
		a.Unknown("needs root: other people's processes are hidden", "av_running")
	case seen == 0:
		a.Unknown("no process could be seen", "av_running")
	default:
		a.Set("av_running", false)
	}
}

var knownMalware = []string{"clamd", "clamonacc", "falcon-sensor", "wdavdaemon", "sentinelone-agent", "s1-agent", "savscand", "sophos-av",
	"ds_am", "cbagentd", "cbdaemon", "event_collector", "cylancesvc", "xagt", "eset_daemon", "esets_daemon", "eea", "oaeventd", "klnagent", "kesl", "bdsecd", "f-secure-linux"}
