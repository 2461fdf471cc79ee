// SPDX-License-Identifier: Apache-2.0

package host

import (
	"time"

	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// readMac reads the little that macOS tells any user in plain words. The rest is unknown.
func (s *Source) readMac(ctx context.Context, name string) ([]collect.Resource, error) {
	p := &probe{ctx: ctx, m: s.m, cfg: s.cfg}
	a := feed.NewAttrs()
	a.Set("active", true)
	a.Set("class", "workstation")
	a.Time("last_seen_at", s.m.Clock.Now().Truncate(24*time.Hour)) // the day: a run in which nothing changed must leave no new version
	if s.cfg.Owner != "" {
		a.Set("owner_ref", s.cfg.Owner)
	}
	out, err := p.ask("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the machine does not tell its identity").Because(err)
	}
	serial, id := ioreg(out, "IOPlatformSerialNumber"), ioreg(out, "IOPlatformUUID")
	if serial != "" {
		a.Set("serial", serial)
	}
	a.Unknown("the machine does not tell its serial number", "serial")
	if id == "" {
		return nil, errs.New(errs.Unavailable, "the machine does not tell its identity")
	}
	if out, err := p.ask("/usr/bin/sw_vers", "-productVersion"); err == nil && strings.TrimSpace(out) != "" {
		a.Set("os", "macOS "+strings.TrimSpace(out))
	}
	a.Unknown("sw_vers gave no answer", "os")
	a.Unknown("Apple does not publish until when it supports a version", "os_supported")
	vault, err := p.ask("/usr/bin/fdesetup", "status")
	switch {
	case err == nil && strings.HasPrefix(vault, "FileVault is On."):
		a.Set("disk_encrypted", true)
	case err == nil && strings.HasPrefix(vault, "FileVault is Off."):
		a.Set("disk_encrypted", false)
	}
	a.Unknown("fdesetup gave no answer that can be read", "disk_encrypted")
	wall, err := p.ask("/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate")
	switch {
	case err == nil && strings.Contains(wall, "(State = 1)"), err == nil && strings.Contains(wall, "(State = 2)"):
		a.Set("firewall_on", true)
	case err == nil && strings.Contains(wall, "(State = 0)"):
		a.Set("firewall_on", false)
	}
	a.Unknown("the application firewall gave no answer that can be read", "firewall_on")
	a.Unknown("each person sets the screen lock for themselves; a device management source knows it", "lock_minutes")
	a.Unknown("a device management source knows it", "av_running")
	sum := sha256.Sum256([]byte("assay host\x00" + id))
	return []collect.Resource{a.Resource(kindDevice, "machine-"+hex.EncodeToString(sum[:16]), name)}, nil
}

// ioreg finds "name" = "value".
func ioreg(text, name string) string {
	_, rest, ok := strings.Cut(text, `"`+name+`" = "`)
	if !ok {
		return ""
	}
	val, _, _ := strings.Cut(rest, `"`)
	return val
}
