// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"fmt"
	"strings"
)

// rules are texts that say each their own.
var rules = [...]string{
	"The head of operations answers for it, and everyone who works here reads it on the first day.",
	"Team leads compare the list with what is in use every quarter and strike out what nobody needs any more.",
	"Whoever sees a deviation tells the help desk within two working days, with the number of the ticket.",
	"Two people look at each change before it goes live, and neither of them wrote that part.",
	"Records stay in the archive for three years; after that the platform team destroys all copies.",
	"Suppliers sign the same terms as employees do and prove once a year that they keep to these.",
	"Laptops lock themselves after five minutes, carry encrypted disks and get updates overnight.",
	"A backup runs hourly, lies in another region and is restored to an empty machine each spring.",
	"New colleagues finish their training within thirty days and repeat a shorter course each autumn.",
	"Questions go to the security mailbox, where somebody on duty replies before the end of the shift.",
	"Exceptions need a reason, an owner and an end date, and the board hears about those that last longer.",
	"Customers learn of an incident by letter as soon as we know whose data was touched and how.",
	"Production is reached through one gateway only; each session leaves a trace which nobody can edit.",
	"The risk register is opened in March and September, and every entry gets scored by two managers.",
	"Keys live in hardware modules, rotate yearly and are never written into code, chats or mail.",
	"Visitors wear a badge, sign the book at reception and walk with the host until they leave.",
}

// PolicyText is a policy that says something of its own in each of its sections, and at the end what a test wants to find in it.
func PolicyText(sections []string, last string) string {
	var out strings.Builder
	for i, s := range append([]string{"Purpose of this document"}, sections...) {
		text := rules[i%len(rules)]
		if round := i / len(rules); round > 0 {
			text += " " + rules[(i+round)%len(rules)]
		}
		if i == 0 {
			text += " It holds for all who work at Example Ltd, wherever they do."
		}
		fmt.Fprintf(&out, "# %s\n\n%s\n\n", s, text)
	}
	return out.String() + "# What else holds\n\n" + last + " Whoever is in doubt asks before acting, and writes the answer down where colleagues can read it later.\n"
}
