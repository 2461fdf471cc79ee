// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"syscall"
)

// synced asks the kernel whether something keeps its clock to a reference. It only reads.
func synced() (bool, error) {
	const unsynchronised = 0x40
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return false, fmt.Errorf("ask the kernel's clock: %w", err)
	}
	return t.Status&unsynchronised == 0, nil
}
