// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"time"
)

func lockThread() { runtime.LockOSThread() }

// ready waits for the cluster and makes the ordinary role that the tests use.
func ready(admin, log string) error {
	c, err := sql.Open("pgx", admin)
	if err != nil {
		return err
	}
	defer c.Close()
	for range 300 {
		if err = c.Ping(); err == nil {
			_, err = c.Exec("CREATE ROLE assay LOGIN NOSUPERUSER")
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	b, _ := os.ReadFile(log)
	return fmt.Errorf("PostgreSQL did not start: %w: %s", err, b)
}
