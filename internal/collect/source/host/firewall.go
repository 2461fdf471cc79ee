// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/json"
	"errors"
	"strings"

	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
)

// guard is what the packet filter does with what comes in and no rule allows.
type guard struct {
	rules      bool // something stands in the way of what comes in
	deny4      bool // refused, over IPv4
	deny6      bool // refused, over IPv6
	unreadable string
}

// firewall says whether the packet filter refuses what no rule allows. Rules that only keep some
// addresses out do not make a firewall, and their being there is not its absence.
func (p *probe) firewall(a *feed.Attrs) {
	g := p.nft()
	legacy := p.text("/proc/net/ip_tables_names") + p.text("/proc/net/ip6_tables_names")
	if g.unreadable != "" || strings.Contains(legacy, "filter") {
		g = g.and(p.iptables("iptables-save"), p.iptables("ip6tables-save"))
	}
	v6 := p.text("/proc/net/if_inet6") != ""
	switch {
	case g.deny4 && (g.deny6 || !v6):
		a.Set("firewall_on", true)
	case g.unreadable != "":
		a.Unknown(g.unreadable, "firewall_on")
	case g.deny4 && v6:
		a.Unknown("IPv4 is filtered and IPv6 is not refused by default", "firewall_on")
	case g.rules:
		a.Unknown("there are rules for what comes in, and none that refuses what they do not allow", "firewall_on")
	default:
		a.Set("firewall_on", false)
	}
}

// and joins what nftables says with what the two old tables say.
func (g guard) and(v4, v6 guard) guard {
	out := guard{rules: g.rules || v4.rules || v6.rules, deny4: g.deny4 || v4.deny4, deny6: g.deny6 || v6.deny4}
	for _, x := range []guard{g, v4, v6} {
		if x.unreadable != "" && out.unreadable == "" {
			out.unreadable = x.unreadable
		}
	}
	if g.unreadable != "" && v4.unreadable == "" && v6.unreadable == "" {
		out.unreadable = "" // the old tables were read, and nftables is not there to be asked
	}
	return out
}

// asked says why a program gave no answer, or nothing.
func (p *probe) asked(name string, err error) string {
	var exit *command.Exit
	switch {
	case err == nil:
		return ""
	case errors.Is(err, command.ErrMissing):
		return name + " is not installed, so the packet filter cannot be read"
	case errors.As(err, &exit) && !p.m.Super:
		return "needs root: " + name
	}
	return name + " gave no answer that can be read"
}

type nftEntry struct {
	Chain *struct {
		Family, Table, Name, Type, Hook, Policy string
	} `json:"chain"`
	Rule *struct {
		Family, Table, Chain string
		Expr                 []map[string]json.RawMessage `json:"expr"`
	} `json:"rule"`
}

// nft asks nftables for all its rules.
func (p *probe) nft() guard {
	out, err := p.ask("nft", "-j", "list", "ruleset")
	if reason := p.asked("nft", err); reason != "" {
		return guard{unreadable: reason}
	}
	var all struct {
		Entries []nftEntry `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Entries) == 0 {
		return guard{unreadable: "nft gave no answer that can be read"}
	}
	var g guard
	input := map[string]bool{}
	for _, e := range all.Entries {
		if c := e.Chain; c != nil && c.Hook == "input" && c.Type == "filter" && inetFamily(c.Family) {
			input[c.Family+" "+c.Table+" "+c.Name] = true
			if c.Policy == "drop" {
				g.deny(c.Family)
			}
		}
	}
	for _, e := range all.Entries {
		if r := e.Rule; r != nil && input[r.Family+" "+r.Table+" "+r.Chain] {
			g.rules = true
			if refusesAll(r.Expr) {
				g.deny(r.Family)
			}
		}
	}
	return g
}

func inetFamily(f string) bool { return f == "inet" || f == "ip" || f == "ip6" }

func (g *guard) deny(family string) {
	g.rules = true
	g.deny4 = g.deny4 || family != "ip6"
	g.deny6 = g.deny6 || family != "ip"
}

// refusesAll says whether a rule refuses whatever comes to it.
func refusesAll(expr []map[string]json.RawMessage) bool {
	for _, e := range expr {
		for name := range e {
			switch name {
			case "drop", "reject":
				return true
			case "counter", "log":
			default:
				return false // a condition, or something that is not known
			}
		}
	}
	return false
}

// iptables reads the old tables, as iptables-save writes them.
func (p *probe) iptables(program string) guard {
	out, err := p.ask(program, "-t", "filter")
	if reason := p.asked(program, err); reason != "" {
		return guard{unreadable: reason}
	}
	var g guard
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == ":INPUT" && f[1] == "DROP":
			g.rules, g.deny4 = true, true
		case len(f) >= 2 && f[0] == "-A" && f[1] == "INPUT":
			g.rules = true
			if len(f) >= 4 && f[2] == "-j" && (f[3] == "DROP" || f[3] == "REJECT") {
				g.deny4 = true
			}
		}
	}
	return g
}
