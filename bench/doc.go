// SPDX-License-Identifier: Apache-2.0

// Package bench measures what the program promises in figures, each beside a control in the same run.
// It holds no code of the product.
package bench
