// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestAnEvaluationThatIsCalledOffEndsEarlyAndGivesNothing(t *testing.T) {
	for name, def := range map[string]func() (*Catalogue, *Rule){
		"each": func() (*Catalogue, *Rule) { return world(t, testOf("", "on")) },
		"group": func() (*Catalogue, *Rule) {
			d := testOf("", "count > 0")
			d.Over, d.By = "group", []string{"s"}
			return world(t, d)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := def()
			var things []attrs
			for i := range 10_000 {
				things = append(things, attrs{"id": fmt.Sprint(i), "on": true, "s": fmt.Sprint(i)})
			}
			in := given(t, c, map[string][]attrs{"thing": things})
			ctx, stop := context.WithCancel(t.Context())
			out, err := Evaluate(ctx, []*Rule{r}, in, nil)
			if err != nil || out[0].Evaluated != len(things) {
				t.Fatalf("%v: %d of %d", err, out[0].Evaluated, len(things))
			}
			stop()
			if out, err := Evaluate(ctx, []*Rule{r}, in, nil); !errors.Is(err, context.Canceled) || out != nil {
				t.Errorf("called off: %v, %d outcomes", err, len(out))
			}
			in.Halt = ctx.Done()
			if o := r.Evaluate(in); o.Evaluated > 4*256 {
				t.Errorf("it looked at %d resources after it was called off", o.Evaluated)
			}
		})
	}
}
