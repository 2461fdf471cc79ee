// SPDX-License-Identifier: Apache-2.0

// Package collect reads sources and keeps what they saw.
//
// It holds the Source contract, the run loop, and the facts that a run leaves: the run itself and
// every changed version of every resource. It does not judge: verdicts are made in check.
package collect
