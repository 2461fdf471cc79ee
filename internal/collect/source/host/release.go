// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"strings"
	"time"

	"assay/internal/collect/source/feed"
)

// support is until when a release gets security fixes without a contract, and where its maker
// sells a longer time, until when that lasts. The dates are those that the makers publish (Debian
// wiki LTS; Ubuntu release cycle; Red Hat, Rocky, AlmaLinux, CentOS, Fedora, openSUSE, Alpine and
// Amazon Linux life-cycle pages), as known in autumn 2026. Where a maker gives a month, its first
// day stands here. A release that is not listed is unknown, never supported.
type support struct{ free, paid string }

var releases = map[string]support{
	"debian 9": {"2022-06-30", "2027-06-30"}, "debian 10": {"2024-06-30", "2029-06-30"}, "debian 11": {"2026-08-31", "2031-06-30"},
	"debian 12": {"2028-06-30", "2033-06-30"}, "debian 13": {"2030-06-30", "2035-06-30"},
	"ubuntu 16.04": {"2021-04-30", "2031-04-01"}, "ubuntu 18.04": {"2023-05-31", "2033-04-01"}, "ubuntu 20.04": {"2025-05-29", "2035-04-01"},
	"ubuntu 22.04": {"2027-04-01", "2037-04-01"}, "ubuntu 24.04": {"2029-04-01", "2039-04-01"},
	"ubuntu 23.04": {"2024-01-25", ""}, "ubuntu 23.10": {"2024-07-11", ""}, "ubuntu 24.10": {"2025-07-10", ""}, "ubuntu 25.04": {"2026-01-15", ""},
	"rhel 7": {"2024-06-30", "2028-06-30"}, "rhel 8": {"2029-05-31", "2032-05-31"}, "rhel 9": {"2032-05-31", "2035-05-31"}, "rhel 10": {"2035-05-31", "2038-05-31"},
	"centos 7": {"2024-06-30", "2029-06-30"}, "centos 8": {"2021-12-31", ""},
	"rocky 8": {"2029-05-31", ""}, "rocky 9": {"2032-05-31", ""}, "rocky 10": {"2035-05-31", ""},
	"almalinux 8": {"2029-03-01", ""}, "almalinux 9": {"2032-05-31", ""}, "almalinux 10": {"2035-05-31", ""},
	"fedora 38": {"2024-05-21", ""}, "fedora 39": {"2024-11-26", ""}, "fedora 40": {"2025-05-13", ""},
	"alpine 3.17": {"2024-11-22", ""}, "alpine 3.18": {"2025-05-09", ""}, "alpine 3.19": {"2025-11-01", ""}, "alpine 3.20": {"2026-04-01", ""},
	"alpine 3.21": {"2026-11-01", ""}, "alpine 3.22": {"2027-05-01", ""},
	"opensuse-leap 15.4": {"2023-12-07", ""}, "opensuse-leap 15.5": {"2024-12-31", ""},
	"amzn 2": {"2026-06-30", ""}, "amzn 2023": {"2029-06-30", ""},
}

// system says which system runs and whether its maker still fixes it.
func (p *probe) system(a *feed.Attrs) {
	text, err := p.read("/etc/os-release")
	if err != nil {
		if text, err = p.read("/usr/lib/os-release"); err != nil {
			a.Unknown(why("/etc/os-release", err), "os", "os_supported")
			return
		}
	}
	v := assignments(string(text))
	if name := strings.TrimSpace(v["PRETTY_NAME"]); name != "" {
		a.Set("os", name)
	}
	a.Unknown("/etc/os-release names no system", "os")
	id, version := v["ID"], v["VERSION_ID"]
	s, ok := releases[id+" "+version]
	for !ok && strings.Contains(version, ".") { // 9.4 is of 9; 3.20.3 is of 3.20
		version = version[:strings.LastIndex(version, ".")]
		s, ok = releases[id+" "+version]
	}
	if !ok {
		a.Unknown(fmt.Sprintf("Assay does not know until when %s %s is supported", id, v["VERSION_ID"]), "os_supported")
		return
	}
	now := p.m.Clock.Now()
	switch {
	case now.Before(day(s.free).AddDate(0, 0, 1)):
		a.Set("os_supported", true)
	case s.paid != "" && now.Before(day(s.paid).AddDate(0, 0, 1)):
		a.Unknown("free support ended on "+s.free+"; whether longer support was bought cannot be seen", "os_supported")
	default:
		a.Set("os_supported", false)
	}
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{} // a test reads every date of the table
	}
	return t
}

// assignments reads NAME=value lines, with or without quotes.
func assignments(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, val, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		val = strings.TrimSpace(val)
		if len(val) >= 2 && (val[0] == '"' || val[0] == '\'') && val[len(val)-1] == val[0] {
			val = val[1 : len(val)-1]
		}
		out[strings.TrimSpace(name)] = val
	}
	return out
}
