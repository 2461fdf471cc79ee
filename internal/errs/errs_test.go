// SPDX-License-Identifier: Apache-2.0

package errs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/internal/errs"
)

func TestWhatIsNotMeantForAPersonIsNotShown(t *testing.T) {
	e := errs.Public(fmt.Errorf("list risks: %w", errors.New("password=hunter2-not-real")))
	if e.Code != errs.Internal || strings.Contains(e.Error(), "hunter2") {
		t.Errorf("%+v", e)
	}
	cause := errors.New("the cause")
	e = errs.Public(fmt.Errorf("outer: %w", errs.At("title", "is required").Because(cause).Mend("write %s", "one")))
	if e.Code != errs.Invalid || e.Error() != "title: is required" || e.Fix != "write one" || !errors.Is(e, cause) || !errors.Is(e, errs.Invalid) || errors.Is(e, errs.Conflict) {
		t.Errorf("%+v", e)
	}
}
