// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"os/exec"
	"testing"
)

// Browser is the Chromium of this machine. The one without a window is taken first: it draws and judges pages alike,
// and costs less. On Debian its own file, because the script in front of it stays in the way when the browser is stopped.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"/usr/lib/chromium/chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium on this machine: ./test.sh installs it")
	return ""
}
