// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"assay/internal/op"
	_ "github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
)

// One private cluster serves all tests of a package: made by initdb in a folder of its own, reached by
// a socket in that folder, ended with the process.
var cluster = sync.OnceValues(startCluster)

var databases atomic.Int64

// Postgres makes a house on a fresh database of the private cluster, owned by an ordinary role.
func Postgres(t testing.TB, add func(*op.Set)) *House {
	t.Helper()
	return Build(t, t.TempDir(), PostgresDSN(t), add)
}

// PostgresDSN makes a fresh database and gives its address.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	admin, err := cluster()
	if err != nil {
		t.Fatalf("no PostgreSQL cluster: %v (./test.sh installs what it needs; go test alone leaves PostgreSQL out)", err)
	}
	c, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	for _, q := range []string{"CREATE DATABASE " + name + " OWNER assay"} {
		if _, err := c.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if c, err := sql.Open("pgx", admin); err == nil {
			c.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
			c.Close()
		}
	})
	return strings.Replace(strings.Replace(admin, "/postgres?", "/"+name+"?", 1), "postgres://postgres@", "postgres://assay@", 1)
}

// Admin is the address of the cluster for its superuser, for tests that break things on purpose.
func Admin(t testing.TB) string {
	admin, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	return admin
}

func startCluster() (string, error) {
	initdb, err := binary("initdb")
	if err != nil {
		return "", err
	}
	server, err := binary("postgres")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "assay-pg-")
	if err != nil {
		return "", err
	}
	attr, err := ordinary(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync")
	cmd.SysProcAttr, cmd.Dir = attr, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", err
	}
	run := exec.Command(server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=300", "-c", "shared_buffers=64MB")
	attr2, _ := ordinary(dir)
	attr2.Pdeathsig = syscall.SIGINT // the cluster ends with the test
	run.SysProcAttr, run.Stdout, run.Stderr, run.Dir = attr2, log, log, dir
	started := make(chan error, 1)
	go func() { // Pdeathsig follows the thread that started the child: this one stays
		lockThread()
		started <- run.Start()
		run.Wait()
		os.RemoveAll(dir)
	}()
	if err := <-started; err != nil {
		return "", err
	}
	admin := "postgres://postgres@/postgres?host=" + dir
	return admin, ready(admin, filepath.Join(dir, "log"))
}

// ordinary makes child processes run as the user postgres where the tests run as root, which PostgreSQL refuses.
func ordinary(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{}
	if os.Getuid() != 0 {
		return attr, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attr, os.Chown(dir, uid, gid)
	}
	return nil, fmt.Errorf("no ordinary user to run PostgreSQL as")
}

func binary(name string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("the PostgreSQL server program %s is not installed", name)
	}
	return p, nil
}
