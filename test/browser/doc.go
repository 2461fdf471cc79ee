// SPDX-License-Identifier: Apache-2.0

// Package browser holds the tests that look at the site as people do: in a real browser, over a real data
// folder with real sources. The package has no code of its own.
package browser
