// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"assay/internal/db"
)

// SmallDisk mounts a disk of the given size ("4m") for a test. Where mounting is not allowed, the test is
// run again in a user namespace of its own, in which it is; the outer test takes the inner one's verdict
// and gets an empty path: it must return at once.
func SmallDisk(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, syscall.EPERM) && os.Getenv("ASSAY_NAMESPACE") == "" {
		inner(t)
		return ""
	}
	if err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// inner runs this one test in a user namespace in which it may mount.
func inner(t testing.TB) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), "ASSAY_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	t.Logf("in a namespace of its own:\n%s", out)
}

// Raw opens a second door to the house's database, past the store: what an insider has. It takes any SQL.
func (h *House) Raw(t testing.TB) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", h.DSN
	if h.Engine == db.SQLite {
		driver, dsn = "sqlite", "file:"+strings.TrimPrefix(h.DSN, "sqlite:")+"?_pragma=busy_timeout(10000)"
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// FailInserts makes every insert into a table fail until the returned function is called: the disk,
// the network or an operator says no in the middle of an operation. With when, a condition over
// NEW ("NEW.kind='risk'"), only some inserts fail.
func (h *House) FailInserts(t testing.TB, table, when string) (mend func()) {
	t.Helper()
	raw := h.Raw(t)
	name := "fail_" + table
	if when == "" {
		when = "1=1"
	}
	set := []string{fmt.Sprintf(`CREATE TRIGGER %s BEFORE INSERT ON %s WHEN %s BEGIN SELECT RAISE(FAIL, 'told to fail'); END`, name, table, when)}
	drop := `DROP TRIGGER ` + name
	if h.Engine == db.Postgres {
		set = []string{`CREATE OR REPLACE FUNCTION told_to_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'told to fail'; END $$`,
			fmt.Sprintf(`CREATE TRIGGER %s BEFORE INSERT ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION told_to_fail()`, name, table, when)}
		drop += ` ON ` + table
	}
	for _, q := range set {
		if _, err := raw.Exec(q); err != nil {
			t.Fatalf("set the trap: %v", err)
		}
	}
	return func() {
		if _, err := raw.Exec(drop); err != nil {
			t.Fatalf("take the trap away: %v", err)
		}
		raw.Close()
	}
}
