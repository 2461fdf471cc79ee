// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"assay/internal/collect/source/host"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/sourcetest"
)

func TestSSHSettingsCountWhereTheyAreLaxest(t *testing.T) {
	for name, c := range map[string]struct {
		config   string
		password any
		root     any
	}{
		"defaults":               {"", true, "prohibit-password"},
		"first one wins":         {"PasswordAuthentication no\nPasswordAuthentication yes\n", false, "prohibit-password"},
		"case and equals":        {"passwordAUTHENTICATION=no # x\nPermitRootLogin = \"yes\"\n", false, "yes"},
		"a condition opens":      {"PasswordAuthentication no\nMatch User git\n  PasswordAuthentication yes\nPermitRootLogin yes\n", true, "yes"},
		"a condition closes":     {"PasswordAuthentication yes\nMatch Address 10.0.0.0/8\n PasswordAuthentication no\n", true, "prohibit-password"},
		"the old word":           {"PermitRootLogin without-password\n", true, "prohibit-password"},
		"a word that is unknown": {"PermitRootLogin perhaps\n", errUnknown, errUnknown},
		"an open quote":          {"PermitRootLogin \"no\n", errUnknown, errUnknown},
		"no value":               {"PermitRootLogin\n", errUnknown, errUnknown},
		"include first":          {"Include /etc/ssh/extra/*.conf\nPasswordAuthentication yes\n", false, "no"},
		"include under a match":  {"PasswordAuthentication no\nMatch User x\nInclude extra/b.conf\n", true, "prohibit-password"},
		"include of nothing":     {"Include /etc/ssh/none/*.conf\nPasswordAuthentication no\n", false, "prohibit-password"},
		"include of a secret":    {"Include /etc/ssh/secret.conf\nPasswordAuthentication no\n", errUnknown, errUnknown},
		"include of itself":      {"Include /etc/ssh/sshd_config\n", errUnknown, errUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f := laptop().with(files{"etc/ssh/sshd_config": c.config, "etc/ssh/secret.conf": "!PasswordAuthentication yes\n",
				"etc/ssh/extra/a.conf": "PasswordAuthentication no\nPermitRootLogin no\nMatch Group x\n", "etc/ssh/extra/b.conf": "PasswordAuthentication no\n"})
			if name == "include under a match" {
				f["etc/ssh/extra/b.conf"] = "PasswordAuthentication yes\n"
			}
			wants(t, setting(t, machine(f, answers{}, false)), map[string]any{"ssh_password_login": c.password, "ssh_root_login": c.root, "ssh_server": true})
		})
	}
	wants(t, setting(t, machine(laptop().without("etc/ssh/sshd_config"), answers{}, true)), map[string]any{"ssh_server": false, "ssh_password_login": errUnknown})
}

func TestSudoRulesAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		rules      string
		who, free  any
		ada, adaNo any // may ada do all; without a password
	}{
		"a group":            {"%sudo ALL=(ALL:ALL) ALL\n", []string{"%sudo"}, []string{}, true, false},
		"no password":        {"ada ALL=(ALL) NOPASSWD: ALL\n", []string{"ada"}, []string{"ada"}, true, true},
		"by number":          {"#1000 ALL=ALL # a comment\n", []string{"#1000"}, []string{}, true, false},
		"an alias":           {"User_Alias OPS = ada, \\\n  ben : DEV = cleo\nOPS ALL = (root) ALL\n", []string{"ada", "ben"}, []string{}, true, false},
		"some commands":      {"ada ALL = /usr/bin/less, NOPASSWD: /bin/ls\n", []string{"ada"}, []string{"ada"}, false, true},
		"commands by alias":  {"Cmnd_Alias X = /bin/ls, ALL\nada ALL = X\n", []string{"ada"}, []string{}, true, false},
		"as somebody else":   {"ada ALL = (www-data) ALL\n", []string{"ada"}, []string{}, false, false},
		"no authentication":  {"Defaults !authenticate\nada ALL=ALL\n", []string{"ada"}, []string{}, true, true},
		"taken out":          {"ALL, !ada ALL=ALL\n", []string{"ALL"}, []string{}, false, false},
		"two hosts":          {"ada web1 = /bin/ls : web2 = NOPASSWD: ALL\n", []string{"ada"}, []string{"ada"}, errUnknown, errUnknown},
		"three hosts":        {"Host_Alias WEB = web1, laptop-1\nada WEB = ALL : DB = (root) /bin/ls : laptop-1 = NOPASSWD: /bin/true\n", []string{"ada"}, []string{"ada"}, true, true},
		"an option":          {"ada ALL=(ALL) CWD=/srv NOPASSWD: ALL\n", []string{"ada"}, []string{"ada"}, true, true},
		"a quoted name":      {"\"ada\" ALL=ALL\n", []string{"ada"}, []string{}, true, false},
		"an escaped name":    {"EXAMPLE\\\\ada ALL=ALL\n", []string{`EXAMPLE\ada`}, []string{}, false, false},
		"a netgroup":         {"+ops ALL=ALL\n", []string{"+ops"}, []string{}, errUnknown, errUnknown},
		"not a rule":         {"ada ALL ALL\n", errUnknown, errUnknown, errUnknown, errUnknown},
		"nothing at all":     {"", []string{}, []string{}, false, false},
		"names that depend":  {"@include /etc/sudoers.%h\n", errUnknown, errUnknown, errUnknown, errUnknown},
		"itself":             {"@include /etc/sudoers\n", errUnknown, errUnknown, errUnknown, errUnknown},
		"a file that is not": {"@include /etc/nothing\n", errUnknown, errUnknown, errUnknown, errUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine(laptop().with(files{"etc/sudoers": c.rules}), answers{}, true)
			wants(t, setting(t, m), map[string]any{"sudoers": c.who, "sudo_without_password": c.free})
			for _, r := range take(t, m, host.Config{}).Of("host.account") {
				if r.Name == "ada" {
					wants(t, r, map[string]any{"sudo_all": c.ada, "sudo_without_password": c.adaNo})
				}
			}
		})
	}
	missing := machine(laptop().without("etc/sudoers"), answers{}, true)
	wants(t, setting(t, missing), map[string]any{"sudoers": errUnknown})
	wants(t, setting(t, machine(laptop().without("etc/sudoers", "usr/bin/sudo"), answers{}, true)), map[string]any{"sudoers": []string{}})
}

// fuzzFile puts any bytes in a file of the machine: no panic, a complete run, the same twice, and
// only declared values of declared types.
func fuzzFile(f *testing.F, name string, seeds ...string) {
	declared, err := schema.Declared()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "!") {
			return // the fixture's own sign for a secret file
		}
		m := machine(laptop().with(files{name: text}), answers{"nft": open}, true)
		s, err := host.New(host.Config{}, m)
		if err != nil {
			t.Fatal(err)
		}
		got, again := sourcetest.Take(t.Context(), s), sourcetest.Take(t.Context(), s)
		if err := sourcetest.Judge(declared, s.Describe(), got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Resources(), again.Resources()) {
			t.Fatal(fmt.Sprint("two readings differ: ", got.Resources(), again.Resources()))
		}
	})
}

func FuzzSSHD(f *testing.F) {
	fuzzFile(f, "etc/ssh/sshd_config", "", "PasswordAuthentication no\nMatch User x\nPermitRootLogin yes\n", "Include \"/etc/ssh/*\"\n", "=\n", "a=\"", "Include\n", "Match\n\x00", "Include [\n")
}

func FuzzSudoers(f *testing.F) {
	fuzzFile(f, "etc/sudoers", "", "%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n", "User_Alias A = B : B = A\nA ALL=ALL\n", "Defaults:ada !authenticate\n", "\\\n", "\"\n", "#include /\n", "@includedir .\n", "!A=B\n", "a b=(c\n", "Cmnd_Alias C=C\na b=C\n")
}
