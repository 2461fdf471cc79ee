// SPDX-License-Identifier: Apache-2.0

package op

// Kernel adds what every set has: the facts that the Gate itself writes, and what is told of approvals.
func Kernel(s *Set) {
	s.Table(Reads)
	s.Table(Uploads)
	Approvals(s)
}
