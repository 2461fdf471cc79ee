// SPDX-License-Identifier: Apache-2.0

// Package command runs other programs for sources: no shell, a chosen environment, a time limit.
//
// It knows how to start a program, read what it says as it says it, and stop it. It does not know
// which programs exist or what their answers mean; each source brings its own.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// ErrMissing is returned when the program is not on this machine.
var ErrMissing = errors.New("program not found")

// ErrTooLong is returned when an answer is longer than it may be.
var ErrTooLong = errors.New("answer too long")

// Command is one program to run.
type Command struct {
	Name    string   // a program name looked up in PATH, or an absolute path
	Args    []string // passed as they are
	Env     []string // added to PATH, HOME and LC_ALL=C; nothing else is inherited
	Timeout time.Duration
}

// Exit is the error of a program that ended with a code other than 0.
type Exit struct {
	Name   string
	Code   int
	Stderr string
}

func (e *Exit) Error() string {
	return fmt.Sprintf("%s ended with %d: %s", e.Name, e.Code, firstLine(e.Stderr))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// Runner runs programs. Tests put their own in its place.
type Runner interface {
	// Stream runs c and hands its output to read while it runs. It returns what the program
	// wrote to its error output (cut at 64 KB). An error of read stops the program.
	Stream(ctx context.Context, c Command, read func(io.Reader) error) (stderr string, err error)
}

// System runs programs on this machine.
type System struct{}

// Stream implements Runner.
func (System) Stream(ctx context.Context, c Command, read func(io.Reader) error) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if c.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.Timeout)
		defer stop()
	}
	path, err := exec.LookPath(c.Name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.Name, ErrMissing)
	}
	cmd := exec.CommandContext(ctx, path, c.Args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LC_ALL=C"}, c.Env...)
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	var stderr cut
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", c.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("run %s: %w", c.Name, err)
	}
	readErr := read(out)
	if readErr != nil {
		_ = cmd.Cancel() // the program is of no use any more; Wait tells how it ended
	} else if _, err := io.Copy(io.Discard, out); err != nil && ctx.Err() == nil {
		readErr = fmt.Errorf("read the rest of %s: %w", c.Name, err)
	}
	waitErr := cmd.Wait()
	return stderr.String(), verdict(ctx, c.Name, stderr.String(), readErr, waitErr)
}

// verdict picks the error that explains the others.
func verdict(ctx context.Context, name, stderr string, readErr, waitErr error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("run %s: %w", name, ctx.Err())
	}
	if readErr != nil {
		return readErr
	}
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) {
		return &Exit{Name: name, Code: exit.ExitCode(), Stderr: stderr}
	}
	if waitErr != nil {
		return fmt.Errorf("run %s: %w", name, waitErr)
	}
	return nil
}

// Output runs c and returns all it said, at most limit bytes.
func Output(ctx context.Context, r Runner, c Command, limit int64) (out []byte, stderr string, err error) {
	var b bytes.Buffer
	stderr, err = r.Stream(ctx, c, func(in io.Reader) error {
		n, err := io.Copy(&b, io.LimitReader(in, limit+1))
		if err == nil && n > limit {
			return fmt.Errorf("%s: %w (over %d bytes)", c.Name, ErrTooLong, limit)
		}
		return err
	})
	return b.Bytes(), stderr, err
}

// cut is a writer that keeps the first 64 KB.
type cut struct{ bytes.Buffer }

func (c *cut) Write(p []byte) (int, error) {
	if room := 64<<10 - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
