// SPDX-License-Identifier: Apache-2.0

package file

// QueryOf is what a configuration asks, for tests.
func QueryOf(c Config) string { return c.query() }
