// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
)

// A zone that is not known, or that is another on every machine, is refused by name, and never UTC without a word.
func TestAZoneThatIsNotKnownIsRefusedAndNeverUTC(t *testing.T) {
	for _, name := range []string{"", "Local", "local", "localtime", "posixrules", "Factory", "right/UTC", "posix/Europe/Berlin", "Mars/Olympus", "../UTC", "/etc/localtime", "Europe/Berlin ", strings.Repeat("x", 1000)} {
		o := &Organization{Timezone: name, Categories: []Category{"security"}}
		z, err := o.Zone()
		if e := errs.Public(err); z != nil || err == nil || e.Code != errs.Invalid || e.Field != "timezone" || e.Fix == "" {
			t.Errorf("%.30q is taken for %v: %v", name, z, err)
		}
		if e := errs.Public(Organizations.Check(nil, o)); e == nil || e.Field != "timezone" {
			t.Errorf("%.30q can be written: %v", name, e)
		}
	}
	for name, noon := range map[string]string{"UTC": "12:00", "Europe/Berlin": "13:00", "America/New_York": "07:00", "Asia/Kathmandu": "17:45"} {
		z, err := (&Organization{Timezone: name}).Zone()
		if err != nil || time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC).In(z).Format("15:04") != noon {
			t.Errorf("%s is %v: %v", name, z, err)
		}
	}
}
