// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package host

import "errors"

func synced() (bool, error) { return false, errors.New("not known on this system") }
