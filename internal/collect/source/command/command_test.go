// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"assay/internal/collect/source/command"
)

var sys = command.System{}

func TestNoShellAndNoInheritedEnvironment(t *testing.T) {
	t.Setenv("ASSAY_TEST_SECRET", "x")
	out, _, err := command.Output(t.Context(), sys, command.Command{Name: "env", Env: []string{"GIVEN=$(id)"}}, 1<<16)
	if err != nil || strings.Contains(string(out), "ASSAY_TEST_SECRET") || !strings.Contains(string(out), "GIVEN=$(id)\n") {
		t.Errorf("%v %s", err, out)
	}
}

func TestAProgramThatFailsSaysSo(t *testing.T) {
	_, stderr, err := command.Output(t.Context(), sys, command.Command{Name: "ls", Args: []string{"/nothing/here"}}, 1<<16)
	var exit *command.Exit
	if !errors.As(err, &exit) || exit.Code == 0 || stderr == "" {
		t.Errorf("%v %q", err, stderr)
	}
	if _, _, err := command.Output(t.Context(), sys, command.Command{Name: "no-such-program-here"}, 1); !errors.Is(err, command.ErrMissing) {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerHasALimitAndAnEnd(t *testing.T) {
	if _, _, err := command.Output(t.Context(), sys, command.Command{Name: "yes"}, 1<<16); !errors.Is(err, command.ErrTooLong) {
		t.Errorf("endless: %v", err)
	}
	slow := command.Command{Name: "sleep", Args: []string{"600"}, Timeout: 50 * time.Millisecond}
	if _, _, err := command.Output(t.Context(), sys, slow, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	// A child that keeps the output open must not keep us waiting.
	child := command.Command{Name: "sh", Args: []string{"-c", "sleep 600 & sleep 600"}, Timeout: 50 * time.Millisecond}
	if _, _, err := command.Output(t.Context(), sys, child, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("child: %v", err)
	}
}

func TestAReaderThatGivesUpStopsTheProgram(t *testing.T) {
	enough := errors.New("enough")
	_, err := sys.Stream(t.Context(), command.Command{Name: "yes"}, func(in io.Reader) error {
		_, _ = in.Read(make([]byte, 10))
		return enough
	})
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}
