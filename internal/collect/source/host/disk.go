// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"path"
	"slices"
	"strings"

	"assay/internal/collect/source/feed"
)

// crypt is what is known of the encryption of one block device.
type crypt int

const (
	cannotTell crypt = iota
	plain
	encrypted
)

// mount is one mounted file system on a block device.
type mount struct{ device, point, kind, source string }

// disk says whether every file system and swap area on a disk lies on an encrypted device. It sees
// dm-crypt, which LUKS uses. It does not see encryption in a drive's own firmware, nor that which
// a cloud applies below a virtual machine.
func (p *probe) disk(a *feed.Attrs) {
	text, err := p.read("/proc/self/mountinfo")
	if err != nil {
		a.Unknown(why("/proc/self/mountinfo", err), "disk_encrypted")
		return
	}
	var bare []string
	found := 0
	for _, m := range mounts(string(text)) {
		switch m.kind {
		case "zfs", "bcachefs", "apfs":
			a.Unknown(m.point+" is a "+m.kind+" file system, whose own encryption Assay does not read", "disk_encrypted")
			return
		case "overlay":
			if m.point == "/" {
				a.Unknown("the root file system is put together from others", "disk_encrypted")
				return
			}
			continue
		}
		switch p.underMount(m) {
		case cannotTell:
			a.Unknown("the device below "+m.point+" cannot be followed", "disk_encrypted")
			return
		case plain:
			bare = append(bare, m.point)
		}
		found++
	}
	swaps, err := p.swaps()
	if err != nil {
		a.Unknown(err.Error(), "disk_encrypted")
		return
	}
	bare = append(bare, swaps...)
	switch {
	case found == 0:
		a.Unknown("no file system lies on a disk that can be seen", "disk_encrypted")
	case len(bare) == 0:
		a.Set("disk_encrypted", true)
	case p.virtual == nil || *p.virtual:
		a.Unknown("the disk is not encrypted inside this virtual machine; whether it is below cannot be seen from here", "disk_encrypted")
	default:
		a.Set("disk_encrypted", false)
	}
}

// onDisk are file systems that keep data of their own on a block device.
var onDisk = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "nilfs2", "ntfs", "ntfs3", "exfat", "vfat", "zfs", "bcachefs", "apfs"}

// mounts reads /proc/self/mountinfo, and leaves out what starts the machine and holds no data of
// its owner, and what lies in a file of another file system.
func mounts(text string) []mount {
	var out []mount
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 6 || len(right) < 2 {
			continue
		}
		m := mount{device: left[2], point: unescape(left[4]), kind: right[0], source: unescape(right[1])}
		starts := m.point == "/boot" || m.point == "/efi" || strings.HasPrefix(m.point, "/boot/")
		if starts || strings.HasPrefix(m.source, "/dev/loop") {
			continue
		}
		if slices.Contains(onDisk, m.kind) || (m.kind == "overlay" && m.point == "/") {
			out = append(out, m)
		}
	}
	return out
}

// unescape reads the \040 of the kernel's tables.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func (p *probe) underMount(m mount) crypt {
	at := "/sys/dev/block/" + m.device
	if m.kind == "btrfs" || !p.exists(at) {
		name := p.blockName(m.source)
		if name == "" {
			return cannotTell
		}
		if m.kind == "btrfs" {
			return p.btrfs(name)
		}
		at = "/sys/class/block/" + name
	}
	return p.under(at, 0)
}

// blockName gives the kernel's name of a device that a mount names.
func (p *probe) blockName(source string) string {
	name := path.Base(source)
	if strings.HasPrefix(source, "/dev/mapper/") {
		all, err := p.list("/sys/class/block")
		if err != nil {
			return ""
		}
		for _, d := range all {
			if p.text("/sys/class/block/"+d+"/dm/name") == name {
				return d
			}
		}
		return ""
	}
	if !strings.HasPrefix(source, "/dev/") || !p.exists("/sys/class/block/"+name) {
		return ""
	}
	return name
}

// btrfs looks at all devices of a file system that may have several.
func (p *probe) btrfs(name string) crypt {
	pools, err := p.list("/sys/fs/btrfs")
	if err != nil {
		return cannotTell
	}
	for _, pool := range pools {
		devices, err := p.list("/sys/fs/btrfs/" + pool + "/devices")
		if err != nil || !slices.Contains(devices, name) {
			continue
		}
		worst := encrypted
		for _, d := range devices {
			worst = min(worst, p.under("/sys/class/block/"+d, 0))
		}
		return worst
	}
	return cannotTell
}

// under follows a device down to the disks: LVM and RAID lie on other devices, and each of them counts.
func (p *probe) under(at string, depth int) crypt {
	if depth > 16 || !p.exists(at) {
		return cannotTell
	}
	id := p.text(at + "/dm/uuid")
	if strings.HasPrefix(id, "CRYPT-") && !strings.HasPrefix(id, "CRYPT-VERITY-") && !strings.HasPrefix(id, "CRYPT-INTEGRITY-") {
		return encrypted
	}
	slaves, err := p.list(at + "/slaves")
	if err != nil || len(slaves) == 0 {
		if id != "" { // a mapped device must lie on something
			return cannotTell
		}
		return plain
	}
	worst := encrypted
	for _, s := range slaves {
		worst = min(worst, p.under("/sys/class/block/"+s, depth+1))
	}
	return worst
}

// swaps gives the swap areas that lie on disks in plain. One in a file lies on a file system that
// is looked at anyway.
func (p *probe) swaps() (bare []string, err error) {
	text, err := p.read("/proc/swaps")
	if err != nil {
		return nil, errors.New(why("/proc/swaps", err))
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[1] != "partition" {
			continue
		}
		name := p.blockName(unescape(f[0]))
		if strings.HasPrefix(name, "zram") && slices.Contains([]string{"", "none"}, p.text("/sys/class/block/"+name+"/backing_dev")) {
			continue // in memory
		}
		switch {
		case name == "", p.under("/sys/class/block/"+name, 0) == cannotTell:
			return nil, errors.New("the device below the swap area " + f[0] + " cannot be followed")
		case p.under("/sys/class/block/"+name, 0) == plain:
			bare = append(bare, f[0])
		}
	}
	return bare, nil
}
