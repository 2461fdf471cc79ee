// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// The program that is killed is this test binary, started anew as a small server: a real process with a
// real clock, which acknowledges over HTTP.
func TestMain(m *testing.M) {
	if dir := os.Getenv("ASSAY_BARS_SERVER"); dir != "" {
		if err := serve(dir, os.Getenv("ASSAY_BARS_BREAK")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type server struct {
	db    *store.DB
	files *blob.Folder
	wrong string // the deliberate break of a control
}

func open(dir string) (*server, error) {
	ctx := context.Background()
	c, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, "assay.db"))
	if err != nil {
		return nil, err
	}
	set := &op.Set{}
	op.Kernel(set)
	declare(set)
	d, err := store.Open(ctx, c, store.Options{Clock: clock.System{}, Kinds: set.Shapes(), Tables: set.Tables(),
		Keys: &ledger.Keys{Dir: filepath.Join(dir, "keys")}, Anchors: &ledger.Anchors{Dir: filepath.Join(dir, "anchor")}})
	if err != nil {
		return nil, err
	}
	f, err := blob.OpenFolder(filepath.Join(dir, "files"))
	return &server{db: d, files: f}, err
}

func serve(dir, wrong string) error {
	s, err := open(dir)
	if err != nil {
		return err
	}
	s.wrong = wrong
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", l.Addr())
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(l, s) }()
	select {
	case err = <-failed:
	case <-s.db.Broken():
		err = errors.New("the disk failed")
	case <-s.files.Broken():
		err = errors.New("the disk for files failed")
	}
	slog.Error("stopping", "error", err)
	return err
}

// ServeHTTP writes what the client names: a file, a thing that cites it, and facts about the thing.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if err := s.write(r.Context(), token); err != nil {
		e := errs.Public(err)
		http.Error(w, string(e.Code), map[errs.Code]int{errs.Full: 507, errs.Unavailable: 503}[e.Code]|500)
		return
	}
	fmt.Fprint(w, "ack")
}

func (s *server) write(ctx context.Context, token string) error {
	in, err := s.files.Put(ctx, strings.NewReader("evidence of "+token), 0)
	if err != nil {
		return err
	}
	thing := func(tx *store.Tx) error {
		return store.Put(ctx, tx, memos, &memo{Title: token, State: "draft", Files: []kind.SHA256{kind.SHA256(in.SHA256)}})
	}
	fact := func(tx *store.Tx) error {
		_, err := sightings.Append(ctx, tx, "run", []sighting{{Memo: token, At: tx.Now}}, nil)
		return err
	}
	if s.wrong == "split" {
		if _, err := s.db.Change(ctx, testkit.Org, store.System("memo.create"), thing); err != nil {
			return err
		}
		_, err = s.db.Change(ctx, testkit.Org, store.System("memo.create"), fact)
		return err
	}
	_, err = s.db.Change(ctx, testkit.Org, store.System("memo.create"), func(tx *store.Tx) error {
		if err := thing(tx); err != nil {
			return err
		}
		return fact(tx)
	})
	return err
}

// running is a server in a process of its own.
type running struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration
	ended chan error
}

func start(t testing.TB, dir, wrong string, under ...string) *running {
	t.Helper()
	since := clock.Since()
	args := append(under, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "ASSAY_BARS_SERVER="+dir, "ASSAY_BARS_BREAK="+wrong)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		t.Fatalf("the server did not start: %q %v", line, err)
	}
	r := &running{cmd: cmd, url: "http://" + addr, ready: since(), ended: make(chan error, 1)}
	go func() { r.ended <- cmd.Wait() }()
	t.Cleanup(r.kill)
	return r
}

func (r *running) kill() { syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) }

// load writes from several clients until the server is gone or says no, and gives what was acknowledged and refused.
func (r *running) load(round, clients int) (acked, refused []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := 0; ; i++ {
				token := fmt.Sprintf("r%d-c%d-%d", round, c, i)
				res, err := http.Post(r.url+"/?token="+token, "text/plain", nil)
				if err != nil {
					return
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				mu.Lock()
				if err == nil && string(b) == "ack" {
					acked = append(acked, token)
				} else {
					refused = append(refused, strings.TrimSpace(string(b)))
				}
				mu.Unlock()
				if err != nil || res.StatusCode != 200 {
					return
				}
			}
		})
	}
	wg.Wait()
	return acked, refused
}

// state is what a database holds after the server is gone.
type state struct {
	lost, half int
	problems   []store.Problem
	size       int64
}

// look opens what is left and holds it against what was acknowledged.
func look(t testing.TB, dir string, acked map[string]bool) state {
	t.Helper()
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.db.Close()
	defer s.files.Close()
	a, err := s.db.Verify(context.Background(), testkit.Org, store.VerifyOptions{File: s.files.Check})
	if err != nil {
		t.Fatal(err)
	}
	out := state{problems: a.Problems, size: a.Size}
	err = s.db.View(context.Background(), testkit.Org, time.Time{}, store.System("test"), func(v *store.View) error {
		things, facts := map[string]bool{}, map[string]bool{}
		all, err := store.All(context.Background(), v, memos, nil)
		for _, m := range all {
			things[m.Title] = true
		}
		rows, err2 := sightings.Select(context.Background(), v, "", "")
		for _, r := range rows {
			facts[r.Memo] = true
			if !things[r.Memo] {
				out.half++
			}
		}
		for m := range things {
			if !facts[m] {
				out.half++
			}
		}
		for token := range acked {
			if !things[token] || !facts[token] {
				out.lost++
			}
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
