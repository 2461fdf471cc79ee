// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"fmt"
	"strings"
	"testing"

	"assay/internal/clock"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/host"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/sourcetest"
)

const (
	dropAll = `{"nftables":[{"metainfo":{}},{"chain":{"family":"inet","table":"f","name":"input","type":"filter","hook":"input","prio":0,"policy":"drop"}}]}`
	open    = `{"nftables":[{"metainfo":{"version":"1"}}]}`
)

func TestTheContractHolds(t *testing.T) {
	sourcetest.Run(t, host.Connector(machine(laptop(), answers{"nft": dropAll}, true)), map[string]any{"owner": "ada@example.com"})
}

// TestThisMachineIsReadWithoutAFault runs against the machine that the test runs on.
func TestThisMachineIsReadWithoutAFault(t *testing.T) {
	s, err := host.New(host.Config{}, host.This(clock.System{}, command.System{}))
	if err != nil {
		t.Fatal(err)
	}
	declared, err := schema.Declared()
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if err := sourcetest.Judge(declared, s.Describe(), got); err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Of("device") {
		t.Logf("%v %v", r.Attrs, r.Why)
	}
}

func TestWithRootEverythingIsKnownAndWithoutItTheReasonIs(t *testing.T) {
	run := answers{"nft": dropAll}
	wants(t, device(t, machine(laptop(), run, true)), map[string]any{
		"serial": "PF0EXAMPLE", "os": "Debian GNU/Linux 12 (bookworm)", "os_supported": true, "disk_encrypted": true,
		"firewall_on": true, "active": true, "last_seen_at": "2026-11-20T00:00:00.000Z", "lock_minutes": errUnknown, "av_running": errUnknown})
	user := machine(laptop(), answers{"nft": "exit Operation not permitted"}, false)
	r := device(t, user)
	wants(t, r, map[string]any{"serial": errUnknown, "firewall_on": errUnknown, "disk_encrypted": true})
	for _, name := range []string{"serial", "firewall_on"} {
		if !strings.HasPrefix(r.Why[name], "needs root") {
			t.Errorf("%s: %q", name, r.Why[name])
		}
	}
	wants(t, setting(t, user), map[string]any{"sudoers": errUnknown, "ssh_password_login": false, "ssh_root_login": "no", "journal_persistent": true, "time_synchronised": true})
	a, b := device(t, user).Key, device(t, machine(laptop(), run, true)).Key
	if a != b || strings.Contains(a, "0123456789abcdef0123") {
		t.Errorf("keys %q and %q", a, b)
	}
}

func TestAccountsAreListedWithWhatTheyMayDo(t *testing.T) {
	want := map[string]map[string]any{
		"root":  {"login": true, "superuser": true, "password": "locked", "sudo": false, "uid": int64(0)},
		"ada":   {"login": true, "superuser": false, "password": "set", "sudo": true, "sudo_all": true, "sudo_without_password": false, "password_changed_at": "2024-10-04T00:00:00.000Z"},
		"ben":   {"login": true, "password": "none", "sudo": false},
		"svc":   {"login": false, "password": "locked"},
		"spare": {"password": "locked", "password_changed_at": errUnknown},
	}
	got := take(t, machine(laptop(), answers{}, true), host.Config{}).Of("host.account")
	for _, r := range got {
		wants(t, r, want[r.Name])
		if strings.Contains(fmt.Sprint(r), "secret") {
			t.Error("a password hash left the machine")
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d accounts", len(got))
	}
	for _, r := range take(t, machine(laptop(), answers{}, false), host.Config{}).Of("host.account") {
		if r.Name == "ada" {
			wants(t, r, map[string]any{"password": errUnknown, "sudo": errUnknown, "sudo_all": errUnknown})
		}
	}
	away := laptop().with(files{"etc/nsswitch.conf": "group: files sss\n"})
	for _, r := range take(t, machine(away, answers{}, true), host.Config{}).Of("host.account") {
		if r.Name == "ben" { // may be in the group by way of the directory
			wants(t, r, map[string]any{"sudo": errUnknown})
		}
	}
}

func TestOneUnencryptedDeviceIsEnough(t *testing.T) {
	bare := files{"proc/self/mountinfo": laptop()["proc/self/mountinfo"] + "30 25 259:2 / /data rw - xfs /dev/nvme0n1p2 rw\n", "sys/dev/block/259:2/size": "1"}
	wants(t, device(t, machine(laptop().with(bare), answers{}, true)), map[string]any{"disk_encrypted": false})
	for name, more := range map[string]files{
		"a virtual machine":   bare.with(files{"proc/cpuinfo": "flags : fpu hypervisor\n"}),
		"an unknown machine":  bare.with(files{"proc/cpuinfo": "Features : fp asimd\n"}),
		"zfs":                 {"proc/self/mountinfo": "25 1 0:30 / / rw - zfs tank/root rw\n"},
		"a device not found":  {"proc/self/mountinfo": "25 1 8:9 / / rw - ext4 /dev/nowhere rw\n"},
		"no disk":             {"proc/self/mountinfo": "25 1 0:30 / / rw - tmpfs tmpfs rw\n"},
		"verity is not crypt": {"sys/class/block/dm-0/dm/uuid": "CRYPT-VERITY-x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, device(t, machine(laptop().with(more), answers{}, true)), map[string]any{"disk_encrypted": errUnknown})
		})
	}
	swap := files{"proc/swaps": "Filename Type\n/dev/nvme0n1p2 partition 1 0 1\n"}
	wants(t, device(t, machine(laptop().with(swap), answers{}, true)), map[string]any{"disk_encrypted": false})
	pool := files{"proc/self/mountinfo": "25 1 0:30 /@ / rw - btrfs /dev/mapper/crypt rw\n", "sys/fs/btrfs/u-1/devices/dm-0": "", "sys/fs/btrfs/u-1/devices/nvme0n1p2": ""}
	wants(t, device(t, machine(laptop().with(pool), answers{}, true)), map[string]any{"disk_encrypted": false})
	wants(t, device(t, machine(laptop().with(pool).without("sys/fs/btrfs/u-1/devices/nvme0n1p2"), answers{}, true)), map[string]any{"disk_encrypted": true})
}

func TestAContainerIsNotTheMachine(t *testing.T) {
	c := laptop().with(files{".dockerenv": "", "proc/self/mountinfo": "25 1 0:30 / / rw - overlay overlay rw\n"})
	wants(t, device(t, machine(c, answers{"nft": dropAll}, true)), map[string]any{"os": errUnknown, "os_supported": errUnknown, "disk_encrypted": errUnknown, "firewall_on": errUnknown, "serial": errUnknown})
	wants(t, setting(t, machine(c, answers{}, true)), map[string]any{"container": true})
	grown := laptop().with(files{".dockerenv": "", "proc/2/comm": "kthreadd\n"})
	wants(t, setting(t, machine(grown, answers{}, true)), map[string]any{"container": false})
}

func TestSupportEndsOnItsDay(t *testing.T) {
	for id, want := range map[string]any{
		"debian 13": true, "debian 8": errUnknown, "debian 10": errUnknown, "ubuntu 22.04": true, "ubuntu 20.04": errUnknown, "ubuntu 24.10": false,
		"rhel 9.4": true, "rocky 9.5": true, "alpine 3.19.1": false, "alpine 3.22.0": true, "centos 8": false, "arch ": errUnknown, "amzn 2": false, "debian ": errUnknown,
	} {
		name, version, _ := strings.Cut(id, " ")
		m := machine(laptop().with(files{"etc/os-release": "ID=" + name + "\nVERSION_ID=" + version + "\nPRETTY_NAME=x\n"}), answers{}, true)
		t.Run(id, func(t *testing.T) { wants(t, device(t, m), map[string]any{"os_supported": want}) })
	}
}

func TestAFirewallRefusesByDefault(t *testing.T) {
	chain := func(family, policy, rules string) string {
		return `{"nftables":[{"chain":{"family":"` + family + `","table":"f","name":"in","type":"filter","hook":"input","prio":0,"policy":"` + policy + `"}}` + rules + `]}`
	}
	rule := func(expr string) string {
		return `,{"rule":{"family":"inet","table":"f","chain":"in","expr":[` + expr + `]}}`
	}
	for name, c := range map[string]struct {
		run  answers
		want any
	}{
		"policy drop":       {answers{"nft": dropAll}, true},
		"a last refusal":    {answers{"nft": chain("inet", "accept", rule(`{"counter":{}},{"reject":{"type":"icmpx"}}`))}, true},
		"no rules at all":   {answers{"nft": open}, false},
		"one address out":   {answers{"nft": chain("inet", "accept", rule(`{"match":{}},{"drop":null}`))}, errUnknown},
		"only IPv4":         {answers{"nft": chain("ip", "drop", "")}, errUnknown},
		"not readable":      {answers{"nft": "<html>"}, errUnknown},
		"refused":           {answers{"nft": "exit not permitted"}, errUnknown},
		"nothing installed": {answers{}, errUnknown},
		"old tables":        {answers{"iptables-save": "*filter\n:INPUT DROP [0:0]\n", "ip6tables-save": "*filter\n:INPUT DROP [0:0]\n"}, true},
		"old tables open":   {answers{"iptables-save": "*filter\n:INPUT ACCEPT [0:0]\n", "ip6tables-save": "*filter\n:INPUT ACCEPT [0:0]\n"}, false},
		"old, only IPv4":    {answers{"iptables-save": "*filter\n:INPUT DROP [0:0]\n", "ip6tables-save": "*filter\n:INPUT ACCEPT [0:0]\n"}, errUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, device(t, machine(laptop(), c.run, true)), map[string]any{"firewall_on": c.want})
		})
	}
}

func TestMalwareProtectionIsSeenOrNamed(t *testing.T) {
	m := machine(laptop().with(files{"proc/90/comm": "clamd\n"}), answers{}, true)
	wants(t, device(t, m), map[string]any{"av_running": true})
	own := take(t, machine(laptop(), answers{}, true), host.Config{Malware: []string{"our-scanner-with-a-long-name"}})
	wants(t, own.Of("device")[0], map[string]any{"av_running": false})
	own = take(t, machine(laptop().with(files{"proc/90/comm": "our-scanner-wit\n"}), answers{}, true), host.Config{Malware: []string{"our-scanner-with-a-long-name"}})
	wants(t, own.Of("device")[0], map[string]any{"av_running": true})
	hidden := laptop().with(files{"proc/self/mountinfo": laptop()["proc/self/mountinfo"] + "40 25 0:99 / /proc rw - proc proc rw,hidepid=2\n"})
	own = take(t, machine(hidden, answers{}, false), host.Config{Malware: []string{"x"}})
	wants(t, own.Of("device")[0], map[string]any{"av_running": errUnknown})
}

func TestTheScreenLockCountsWhereItIsFixed(t *testing.T) {
	values := "[org/gnome/desktop/session]\nidle-delay=uint32 300\n[org/gnome/desktop/screensaver]\nlock-enabled=true\nlock-delay=uint32 30\n"
	locks := "/org/gnome/desktop/session/idle-delay\n/org/gnome/desktop/screensaver/lock-enabled\n/org/gnome/desktop/screensaver/lock-delay\n"
	base := laptop().with(files{"usr/share/xsessions/gnome.desktop": "", "etc/dconf/db/local.d/00": values, "etc/dconf/db/local.d/locks/00": locks})
	wants(t, device(t, machine(base, answers{}, true)), map[string]any{"lock_minutes": int64(6)})
	wants(t, device(t, machine(base.without("etc/dconf/db/local.d/locks/00"), answers{}, true)), map[string]any{"lock_minutes": errUnknown})
	never := base.with(files{"etc/dconf/db/local.d/00": strings.Replace(values, "300", "0", 1)})
	if v, known := device(t, machine(never, answers{}, true)).Attrs["lock_minutes"]; !known || v != nil {
		t.Errorf("never: %v %v", v, known)
	}
}

func TestUpdatesAreCountedFromAFreshList(t *testing.T) {
	const said = "Inst libssl3 [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])\nInst bash [5.1] (5.2 Debian:12.9/stable [amd64])\nInst new (1 Debian:12/stable [amd64])\nConf bash\n"
	apt := laptop().with(files{"var/lib/dpkg/status": "x", "var/lib/apt/lists/deb.debian.org_dists_bookworm-security_InRelease": "Date: Thu, 19 Nov 2026 10:00:00 UTC\n"})
	wants(t, setting(t, machine(apt, answers{"apt-get": said}, true)), map[string]any{"security_updates_pending": int64(1), "updates_pending": int64(2)})
	old := apt.with(files{"var/lib/apt/lists/deb.debian.org_dists_bookworm-security_InRelease": "Date: Thu, 05 Nov 2026 10:00:00 UTC\n"})
	unknown := map[string]any{"security_updates_pending": errUnknown, "updates_pending": errUnknown}
	wants(t, setting(t, machine(old, answers{"apt-get": said}, true)), unknown)
	wants(t, setting(t, machine(apt, answers{"apt-get": "exit broken"}, true)), unknown)
	wants(t, setting(t, machine(apt, answers{"apt-get": said + "The following packages have been kept back:\n"}, true)), unknown)
	wants(t, setting(t, machine(laptop(), answers{"apt-get": ""}, true)), unknown)
	none := apt.without("var/lib/apt/lists/deb.debian.org_dists_bookworm-security_InRelease").with(files{"var/lib/apt/lists/lock": ""})
	wants(t, setting(t, machine(none, answers{"apt-get": ""}, true)), unknown)
}

func TestLogRetentionComesFromRotation(t *testing.T) {
	base := laptop().with(files{"var/log/syslog": "", "var/log/auth.log": "", "etc/logrotate.conf": "weekly\nrotate 4\ninclude /etc/logrotate.d\n",
		"etc/logrotate.d/rsyslog": "/var/log/syslog\n/var/log/mail.log\n/var/log/auth.log\n{\n\trotate 13\n\tweekly\n\tpostrotate\n\t\tdaily\n\tendscript\n}\n"})
	wants(t, setting(t, machine(base, answers{}, true)), map[string]any{"log_retention_days": int64(91)})
	wants(t, setting(t, machine(base.with(files{"etc/logrotate.d/rsyslog": "/var/log/*log {\n rotate 5\n maxsize 1M\n}\n"}), answers{}, true)), map[string]any{"log_retention_days": errUnknown})
	wants(t, setting(t, machine(base.without("etc/logrotate.d/rsyslog"), answers{}, true)), map[string]any{"log_retention_days": errUnknown})
	volatile := laptop().with(files{"etc/systemd/journald.conf": "[Journal]\n#Storage=persistent\n", "etc/systemd/journald.conf.d/x.conf": "[Journal]\nStorage=volatile\n"})
	wants(t, setting(t, machine(volatile, answers{}, true)), map[string]any{"journal_persistent": false, "log_retention_days": errUnknown})
}

func TestPortsAreReadFromTheKernel(t *testing.T) {
	got := map[string]any{}
	for _, r := range take(t, machine(laptop(), answers{}, true), host.Config{}).Of("host.port") {
		got[r.Name] = r.Attrs["local_only"]
	}
	want := map[string]any{"0.0.0.0:22/tcp": false, "127.0.0.1:631/tcp": true, "[::]:22/tcp": false, "[::1]:631/tcp": true, "0.0.0.0:68/udp": false}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %v", k, got[k])
		}
	}
}

func TestWithoutTheListOfAccountsOrPortsNothingIsComplete(t *testing.T) {
	for _, name := range []string{"etc/passwd", "proc/net/tcp"} {
		s, err := host.New(host.Config{}, machine(laptop().without(name), answers{}, true))
		if err != nil {
			t.Fatal(err)
		}
		if got := sourcetest.Take(t.Context(), s); got.Err == nil || got.Manifest.Complete || len(got.Pages) > 0 {
			t.Errorf("without %s: %v", name, got.Manifest)
		}
	}
}

func TestAMacTellsWhatItTells(t *testing.T) {
	m := machine(files{}, answers{"/usr/sbin/ioreg": `"IOPlatformSerialNumber" = "C02EXAMPLE"` + "\n" + `"IOPlatformUUID" = "0000-1"`,
		"/usr/bin/sw_vers": "26.1\n", "/usr/bin/fdesetup": "FileVault is On.\n",
		"/usr/libexec/ApplicationFirewall/socketfilterfw": "Firewall is disabled. (State = 0)\n"}, false)
	m.System = "darwin"
	r := device(t, m)
	wants(t, r, map[string]any{"serial": "C02EXAMPLE", "os": "macOS 26.1", "disk_encrypted": true, "firewall_on": false, "os_supported": errUnknown, "lock_minutes": errUnknown})
}

func TestDebiansOwnRecordOfItsUpdatesCounts(t *testing.T) {
	stamp := laptop().with(files{"var/lib/apt/periodic/update-stamp": ""})
	if r := setting(t, machine(stamp, answers{}, false)); r.Attrs["updates_checked_at"] == nil {
		t.Errorf("updates_checked_at is not known: %s", r.Why["updates_checked_at"])
	}
	wants(t, setting(t, machine(laptop(), answers{}, false)), map[string]any{"updates_checked_at": errUnknown})
}

func TestAMachineWithoutADesktopIsAServer(t *testing.T) {
	for class, f := range map[string]files{"server": laptop(), "workstation": laptop().with(files{"usr/share/xsessions/gnome.desktop": ""})} {
		for _, r := range take(t, machine(f, answers{}, false), host.Config{}).Of("device") {
			wants(t, r, map[string]any{"class": class})
		}
	}
}
