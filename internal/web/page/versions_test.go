// SPDX-License-Identifier: Apache-2.0

package page

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What became of performances, and of the days of a test, adds up to how many there were: no figure is left out.
func TestTheFiguresOfAnOperationAddUp(t *testing.T) {
	var o Operation
	v, n := reflect.ValueOf(&o).Elem(), 0
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Type.Kind() == reflect.Int && f.Name != "Expected" {
			v.Field(i).SetInt(1 << n)
			n++
		}
	}
	o.Expected = 1<<n - 1
	sum := 0
	for _, x := range regexp.MustCompile(`\d+`).FindAllString(o.performances(), -1) {
		k, _ := strconv.Atoi(x)
		sum += k
	}
	if sum != 2*o.Expected {
		t.Errorf("%d were expected, and the rest adds up to %d: %s", o.Expected, sum-o.Expected, o.performances())
	}
	o.Tests = []OperationTest{{ID: "a", Observed: "100%", Pass: "100%"}}
	d := reflect.ValueOf(&o.Tests[0]).Elem()
	var want []string
	for i := range d.NumField() {
		if f := d.Type().Field(i); f.Type.Kind() == reflect.Int {
			d.Field(i).SetInt(int64(701 + i))
			want = append(want, ">"+strconv.Itoa(701+i)+"<")
		}
	}
	var b strings.Builder
	if err := operationPanel(o).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, w := range append(want, "Excepted") {
		if !strings.Contains(b.String(), w) {
			t.Errorf("the panel does not say %s", w)
		}
	}
}
