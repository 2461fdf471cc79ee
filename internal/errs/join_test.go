// SPDX-License-Identifier: Apache-2.0

package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"assay/internal/errs"
)

// All that is wrong with an input is told at once, each field once, and never more than a person reads.
func TestAllThatIsWrongWithAnInputIsToldOnceForEachField(t *testing.T) {
	if err := errs.Join(nil, nil); err != nil {
		t.Fatal(err)
	}
	err := errs.Join(nil, errs.At("title", "is required"), errs.Join(errs.At("area", "is too long"), errs.At("title", "is too short")), fmt.Errorf("read: %w", errs.At("owner", "is required")))
	e := errs.Public(err)
	var got []string
	for _, x := range e.All() {
		if len(x.Also) > 0 {
			t.Errorf("%s has others beside it", x.Field)
		}
		got = append(got, x.Error())
	}
	if want := "[title: is required area: is too long owner: is required]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	if err.Error() != "title: is required" || !errors.Is(err, errs.Invalid) {
		t.Errorf("%v", err)
	}
	var many []error
	for i := range 100 {
		many = append(many, errs.At(fmt.Sprintf("rows[%d]", i), "is required"))
	}
	if n := len(errs.Public(errs.Join(many...)).All()); n != errs.AtOnce {
		t.Errorf("%d faults are told", n)
	}
	if err := errs.Join(errs.At("title", "is required"), io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v; what is no fault of the input was hidden behind one", err)
	}
}
