// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/host"
	"assay/internal/collect/source/sourcetest"
)

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// files are the files of a machine; a value that begins with ! may only be read by root.
type files map[string]string

// laptop is a machine with an encrypted disk, on real iron.
func laptop() files {
	return files{
		"etc/machine-id":                       "0123456789abcdef0123456789abcdef\n",
		"etc/os-release":                       "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n",
		"proc/cpuinfo":                         "processor : 0\nflags : fpu vme sse\n",
		"sys/class/dmi/id/product_serial":      "!PF0EXAMPLE\n",
		"sys/class/dmi/id/sys_vendor":          "Example Computers\n",
		"proc/self/mountinfo":                  "25 1 254:1 / / rw - ext4 /dev/mapper/root rw\n26 25 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n27 25 0:21 / /proc rw - proc proc rw\n",
		"sys/dev/block/254:1/dm/uuid":          "LVM-abc\n",
		"sys/dev/block/254:1/slaves/dm-0":      "",
		"sys/class/block/dm-0/dm/uuid":         "CRYPT-LUKS2-def\n",
		"sys/class/block/dm-0/dm/name":         "crypt\n",
		"sys/class/block/dm-1/dm/uuid":         "LVM-abc\n",
		"sys/class/block/dm-1/dm/name":         "root\n",
		"sys/class/block/nvme0n1p2/size":       "1\n",
		"proc/swaps":                           "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n/swapfile file 1 0 -2\n",
		"sys/class/block/zram0/backing_dev":    "none\n",
		"proc/1/comm":                          "systemd\n",
		"proc/77/comm":                         "bash\n",
		"etc/passwd":                           "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/zsh\nben:x:1001:1001::/home/ben:\nsvc:x:999:999::/:/usr/sbin/nologin\nspare:*:998:998::/:/bin/sh\n",
		"etc/group":                            "root:x:0:\nsudo:x:27:ada\n",
		"etc/shadow":                           "!root:*:19000::::::\nada:$y$secret:20000::::::\nben::20001::::::\nsvc:!:19000::::::\n",
		"usr/bin/sudo":                         "",
		"etc/sudoers":                          "!Defaults env_reset\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
		"etc/sudoers.d/README":                 "!# nothing\n",
		"etc/ssh/sshd_config":                  "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\nPermitRootLogin no\n",
		"etc/ssh/sshd_config.d/10-strict.conf": "PasswordAuthentication no\n",
		"proc/net/tcp":                         "  sl  local_address rem_address   st\n" + sock("0.0.0.0:22", "0A") + sock("127.0.0.1:631", "0A") + sock("10.0.0.5:5000", "01"),
		"proc/net/tcp6":                        "  sl  local_address rem_address   st\n" + sock("[::]:22", "0A") + sock("[::1]:631", "0A"),
		"proc/net/udp":                         "  sl  local_address rem_address   st\n" + sock("0.0.0.0:68", "07"),
		"proc/net/if_inet6":                    "fe80 02\n",
		"run/systemd/journal/socket":           "",
		"var/log/journal/x":                    "",
	}
}

// sock writes a socket as the kernel of this machine does.
func sock(addr, state string) string {
	at := netip.MustParseAddrPort(addr)
	b := at.Addr().AsSlice()
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	return fmt.Sprintf("   0: %s:%04X 00000000:0000 %s\n", strings.ToUpper(hex.EncodeToString(b)), at.Port(), state)
}

func (f files) with(more files) files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

func (f files) without(names ...string) files {
	out := maps.Clone(f)
	for _, n := range names {
		delete(out, n)
	}
	return out
}

// locked refuses the files that only root may read.
type locked struct {
	fstest.MapFS
	secret map[string]bool
}

func (l locked) Open(name string) (fs.File, error) {
	if l.secret[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.Open(name)
}

// answers is a runner that says what a test wrote down. A program that is not there is missing.
type answers map[string]string

func (a answers) Stream(ctx context.Context, c command.Command, read func(io.Reader) error) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	out, ok := a[c.Name]
	if !ok {
		return "", fmt.Errorf("%s: %w", c.Name, command.ErrMissing)
	}
	if reason, failed := strings.CutPrefix(out, "exit "); failed {
		return reason, &command.Exit{Name: c.Name, Code: 1, Stderr: reason}
	}
	return "", read(strings.NewReader(out))
}

func machine(f files, run answers, super bool) host.Machine {
	l := locked{fstest.MapFS{}, map[string]bool{}}
	for name, text := range f {
		text, secret := strings.CutPrefix(text, "!")
		l.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
		l.secret[name] = secret && !super
	}
	return host.Machine{System: "linux", Root: l, Run: run, Clock: clock.NewFake(today), Super: super,
		Hostname: func() (string, error) { return "laptop-1", nil },
		Synced:   func() (bool, error) { return true, nil }}
}

func take(t *testing.T, m host.Machine, cfg host.Config) sourcetest.Taken {
	t.Helper()
	s, err := host.New(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if got.Err != nil || !got.Manifest.Complete {
		t.Fatalf("not complete: %v %q", got.Err, got.Manifest.Reason)
	}
	return got
}

func device(t *testing.T, m host.Machine) collect.Resource {
	t.Helper()
	return take(t, m, host.Config{}).Of("device")[0]
}

func setting(t *testing.T, m host.Machine) collect.Resource {
	t.Helper()
	return take(t, m, host.Config{}).Of("host.setting")[0]
}

// wants compares attributes; errUnknown stands for unknown with a reason.
var errUnknown = errors.New("unknown")

func wants(t *testing.T, r collect.Resource, want map[string]any) {
	t.Helper()
	for name, v := range want {
		got, known := r.Attrs[name]
		if v == any(errUnknown) {
			if known || r.Why[name] == "" {
				t.Errorf("%s is %v with the reason %q, want unknown with a reason", name, got, r.Why[name])
			}
			continue
		}
		if !known || fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", v, v) {
			t.Errorf("%s is %v (%s), want %v", name, got, r.Why[name], v)
		}
	}
}
