// SPDX-License-Identifier: Apache-2.0

//go:build race

package testkit

// Race says whether the race detector watches: ten times slower, so that a long proof takes fewer rounds beside it
// and runs whole without it.
const Race = true
