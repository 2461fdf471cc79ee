// SPDX-License-Identifier: Apache-2.0

// Package host reads the machine that Assay runs on: its system, disks, firewall, updates, SSH and
// sudo rules, local accounts and listening ports.
//
// It reads files and asks a few programs of the system; it changes nothing. What it may not read
// or cannot tell stays unknown, with the reason. It does not know other machines, and it does not
// judge what it finds.
package host

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"runtime"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// The kinds that this source supplies.
const (
	kindDevice  = "device"
	kindSetting = "host.setting"
	kindAccount = "host.account"
	kindPort    = "host.port"
)

// Config is what a person sets.
type Config struct {
	Name    string   `json:"name"`
	Malware []string `json:"malware_processes"`
	Owner   string   `json:"owner"`
}

// Machine is what the source reads. Tests put a folder in place of the real one.
type Machine struct {
	System   string // as runtime.GOOS names it
	Root     fs.FS  // the files of the machine, from / on
	Run      command.Runner
	Clock    clock.Clock
	Hostname func() (string, error)
	Synced   func() (bool, error) // whether the kernel's clock follows a reference
	Super    bool                 // whether Assay runs as root
}

// This is the machine that the program runs on.
func This(c clock.Clock, run command.Runner) Machine {
	return Machine{System: runtime.GOOS, Root: os.DirFS("/"), Run: run, Clock: c,
		Hostname: os.Hostname, Synced: synced, Super: os.Geteuid() == 0}
}

// Source reads one machine.
type Source struct {
	cfg Config
	m   Machine
}

// Connector describes the source for forms and help.
func Connector(m Machine) collect.Connector {
	return collect.Connector{
		Name:  "host",
		Title: "This machine",
		Doc:   "Reads the machine that Assay runs on, as a device with its settings, local accounts and listening ports.",
		Fields: []collect.ConfigField{
			{Name: "name", Doc: "Name to show. Without it, the machine's own.", Example: "build-1"},
			{Name: "owner", Doc: "E-mail address of the person it belongs to.", Example: "ada@example.com"},
			{Name: "malware_processes", Doc: "Processes of your malware protection. With them, their absence means that it does not run.", Example: "clamd", List: true},
		},
		New: func(raw json.RawMessage) (collect.Source, error) {
			var cfg Config
			if err := feed.Config(raw, &cfg); err != nil {
				return nil, err
			}
			return New(cfg, m)
		},
	}
}

// New makes a source from a configuration, and refuses one that cannot work.
func New(cfg Config, m Machine) (*Source, error) {
	if m.System != "linux" && m.System != "darwin" {
		return nil, errs.New(errs.Invalid, "this source reads Linux and macOS, not %s", m.System).
			Mend("import the machine with the file source")
	}
	for _, p := range cfg.Malware {
		if p == "" {
			return nil, errs.At("malware_processes", "holds an empty name")
		}
	}
	return &Source{cfg: cfg, m: m}, nil
}

// Describe implements collect.Source.
func (s *Source) Describe() collect.Description {
	if s.m.System == "darwin" {
		return collect.Description{
			Kinds:       []string{kindDevice},
			Reads:       "System version, FileVault and the application firewall of this machine.",
			Permissions: []string{"no rights beyond those of an ordinary user"},
			Query:       "sw_vers; fdesetup status; socketfilterfw --getglobalstate; ioreg -rd1 -c IOPlatformExpertDevice",
			Version:     "macOS",
		}
	}
	return collect.Description{
		Kinds:       []string{kindDevice, kindSetting, kindAccount, kindPort},
		Reads:       "Files below /etc, /proc, /sys, /run, /usr and /var/lib of this machine, and the answers of apt-get, nft and iptables-save. It changes nothing.",
		Permissions: []string{"an ordinary user reads most of it", "root reads the firewall, sudo rules, password states and the serial number"},
		Query:       "/etc/os-release, /proc/self/mountinfo, /sys/class/block, /etc/ssh/sshd_config, /etc/sudoers, /etc/passwd, /etc/shadow, /proc/net/tcp and udp; nft -j list ruleset; apt-get --simulate dist-upgrade",
		Version:     "Linux",
	}
}

// Collect implements collect.Source.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, s.Describe().Kinds...)
	all, err := s.read(ctx)
	if err == nil {
		err = ctx.Err() // a probe that was called off must not pass for one that found nothing
	}
	if err != nil {
		return out.Fail(err)
	}
	for _, r := range all {
		if err := out.Add(r); err != nil {
			return out.Fail(err)
		}
	}
	return out.End()
}

func (s *Source) read(ctx context.Context) ([]collect.Resource, error) {
	name := s.cfg.Name
	if name == "" {
		n, err := s.m.Hostname()
		if err != nil {
			return nil, errs.New(errs.Unavailable, "the machine does not tell its name").Mend("set the field name").Because(err)
		}
		name = n
	}
	if s.m.System == "darwin" {
		return s.readMac(ctx, name)
	}
	p := &probe{ctx: ctx, m: s.m, cfg: s.cfg}
	p.place()
	key := p.key(name)
	device, setting := feed.NewAttrs(), feed.NewAttrs()
	p.device(device)
	p.setting(setting, key)
	out := []collect.Resource{device.Resource(kindDevice, key, name), setting.Resource(kindSetting, key, name)}
	accounts, err := p.accounts(key)
	if err != nil {
		return nil, err
	}
	ports, err := p.ports(key)
	if err != nil {
		return nil, err
	}
	return append(append(out, accounts...), ports...), nil
}
