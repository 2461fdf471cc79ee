// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"fmt"
	"strings"
)

// PolicyText is a policy that says something in each of its sections, and at the end what a test wants to find in it.
func PolicyText(sections []string, last string) string {
	var out strings.Builder
	for i, s := range append([]string{"Purpose of this document"}, sections...) {
		fmt.Fprintf(&out, "# %s\n\nAt Example Ltd the head of operations answers for rule %d, %s. Everyone follows it daily, and reports each deviation to the help desk within two working days.\n\n", s, i+1, strings.ToLower(s))
	}
	return out.String() + "# What else holds\n\n" + last + " Whoever is in doubt asks before acting, and writes the answer down where colleagues can read it later.\n"
}
