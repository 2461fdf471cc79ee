// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/db"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// The program that is stopped and killed is this test binary, started anew: a real process with real signals.
func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_TEST_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is a running assay.
type program struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer
	err  bytes.Buffer
	line chan struct{}
	done chan error
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], args...), line: make(chan struct{}, 10_000), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "ASSAY_TEST_PROGRAM=1")
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var read sync.WaitGroup
	for r, to := range map[io.Reader]*bytes.Buffer{stdout: &p.out, stderr: &p.err} {
		read.Go(func() {
			for s := bufio.NewScanner(r); s.Scan(); {
				p.mu.Lock()
				fmt.Fprintln(to, s.Text())
				p.mu.Unlock()
				p.line <- struct{}{}
			}
		})
	}
	go func() { read.Wait(); p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

func (p *program) said() (out, errOut string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String(), p.err.String()
}

// until waits until the program has said something.
func (p *program) until(t *testing.T, what string) {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		if out, errOut := p.said(); strings.Contains(out+errOut, what) {
			return
		}
		select {
		case <-p.line:
		case err := <-p.done:
			out, errOut := p.said()
			t.Fatalf("it ended (%v) without saying %q:\n%s\n%s", err, what, out, errOut)
		case <-late:
			t.Fatalf("it never said %q", what)
		}
	}
}

// ends waits for the end of the program, at most ten seconds.
func (p *program) ends(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(10 * time.Second):
		out, errOut := p.said()
		t.Fatalf("it still ran ten seconds after it was told to stop:\n%s\n%s", out, errOut)
		return nil
	}
}

// crowded is a data folder with a file source of so many devices that a check of them takes a while.
func crowded(t *testing.T, devices int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	a := folder(t, dir)
	defer a.Close()
	org, err := a.Found(t.Context(), "Example Ltd", "owner@example.com")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range devices {
		fmt.Fprintf(&b, "d%d,Laptop %d\n", i, i)
	}
	path := filepath.Join(t.TempDir(), "devices.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Connect(t.Context(), org, "Devices", "file", map[string]any{"kind": "device", "path": path}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func folder(t *testing.T, dir string) *site.App {
	t.Helper()
	cfg, err := site.Load(map[string]string{"data": dir, "log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := site.Open(t.Context(), cfg, site.Parts{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// kept counts what is seen of checks and of results on devices, and whether a group of results is half written.
func kept(t *testing.T, dir string) (checks, results int, half bool) {
	t.Helper()
	a := folder(t, dir)
	defer a.Close()
	org, err := a.Org(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.DB.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error {
		c, err := check.Checks.Select(t.Context(), v, "", "")
		if err != nil {
			return err
		}
		f, err := store.Project[struct{ Test string }](t.Context(), v, check.Finds, []string{"test"}, "verdict<>'gone'")
		checks, results = len(c), len(f)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return checks, results, halfWritten(t, dir)
}

func halfWritten(t *testing.T, dir string) bool {
	t.Helper()
	raw, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var one int64
	found, err := raw.Writer().One(t.Context(), `SELECT 1 FROM part WHERE tbl='result' AND until=4611686018427387904`, nil, &one)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wholePrograms(t *testing.T) {
	t.Helper()
	if testkit.Fast() {
		t.Skip("it runs whole programs: ASSAY_TESTS=all")
	}
}

// inTheMiddle starts assay up and returns when it has written some of its results and not all.
func inTheMiddle(t *testing.T, dir string) *program {
	t.Helper()
	p := start(t, "up", "--data", dir, "--listen", "127.0.0.1:0")
	p.until(t, "keeping results")
	for !halfWritten(t, dir) {
		select {
		case err := <-p.done:
			t.Fatalf("it ended before it was in the middle: %v", err)
		default:
			time.Sleep(5 * time.Millisecond)
		}
	}
	return p
}

func TestAStopInTheMiddleOfACheckEndsTheProgramAndTheNextOneGoesOn(t *testing.T) {
	wholePrograms(t)
	dir := crowded(t, 10_000)
	p := inTheMiddle(t, dir)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next := start(t, "up", "--data", dir, "--listen", "127.0.0.1:0") // at once: it waits for the first
	if err := p.ends(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
	out, errOut := p.said()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "Stopped. ") || strings.Contains(errOut, "error") {
		t.Errorf("its last words are %q, and beside it:\n%s", last, errOut)
	}
	next.until(t, "Serving on")
	if err := next.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := next.ends(t); err != nil {
		t.Errorf("the next one ended with %v", err)
	}
	if checks, results, half := kept(t, dir); checks != 1 || results < 40_000 || half {
		t.Errorf("after the next one: %d checks, %d results, half written: %t", checks, results, half)
	}
}

func TestWhatAKilledCheckWroteIsNotTakenForAWholeOne(t *testing.T) {
	wholePrograms(t)
	dir := crowded(t, 10_000)
	p := inTheMiddle(t, dir)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if checks, results, half := kept(t, dir); checks != 0 || results != 0 || !half {
		t.Errorf("after it was killed: %d checks, %d results, half written: %t", checks, results, half)
	}
	next := start(t, "check", "--data", dir)
	select {
	case <-next.done: // its exit code says that tests fail
	case <-time.After(2 * time.Minute):
		t.Fatal("the next check never ended")
	}
	if checks, results, half := kept(t, dir); checks != 1 || results < 40_000 || half {
		t.Errorf("after the next check: %d checks, %d results, half written: %t", checks, results, half)
	}
	proof := start(t, "verify", "--data", dir)
	if err := <-proof.done; err != nil {
		out, errOut := proof.said()
		t.Errorf("verify: %v\n%s\n%s", err, out, errOut)
	}
}

func TestASecondProgramThatServesFromAFolderSaysWhatToDo(t *testing.T) {
	wholePrograms(t)
	dir := crowded(t, 1)
	p := start(t, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	p.until(t, "Serving on")
	second := start(t, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	second.until(t, "Waiting for another assay process")
	select {
	case err := <-second.done:
		_, said := second.said()
		if err == nil || !strings.Contains(said, fmt.Sprintf("pid %d", p.cmd.Process.Pid)) || !strings.Contains(said, "--data") || strings.Contains(said, "SQLITE") {
			t.Errorf("%v: %s", err, said)
		}
	case <-time.After(time.Minute):
		t.Fatal("the second one neither serves nor ends")
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.ends(t); err != nil {
		t.Error(err)
	}
}
