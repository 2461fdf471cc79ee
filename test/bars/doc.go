// SPDX-License-Identifier: Apache-2.0

// Package bars holds the program to figures: how much may be lost when it is killed, how many flipped
// bits may go unseen, how many of two racing approvals may win. Each bar prints one line that starts with
// its number, and has a control: a deliberate break under which the bar must fail, because a bar that
// cannot fail is not a bar. docs/bars.md lists them. ASSAY_BARS=full runs the full counts.
package bars
