// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"reflect"
	"strings"
	"testing"

	"assay/internal/collect/source/file"
)

// What a run says that it asked names every setting, since each of them changes what the rows come to. Derived from the
// fields of the configuration.
func TestTheQueryOfARunNamesEverySetting(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[file.Config]()) {
		name := f.Tag.Get("json")
		if name == "" {
			continue
		}
		plain := file.Config{Kind: "thing", Format: "csv", Path: "a.csv"}
		set := plain
		fill(t, reflect.ValueOf(&set).Elem().FieldByIndex(f.Index), "mark")
		if before, after := file.QueryOf(plain), file.QueryOf(set); before == after || !strings.Contains(after, "mark") && !strings.Contains(after, name) {
			t.Errorf("%s changes nothing in the query: %s", name, after)
		}
		fill(t, reflect.ValueOf(&set).Elem().FieldByIndex(f.Index), strings.Repeat("long", 100_000))
		if f.Name != "Path" && len(file.QueryOf(set)) > 5000 {
			t.Errorf("a long %s makes a query of %d bytes", name, len(file.QueryOf(set)))
		}
	}
	whole := source(t, file.Config{Key: []string{"id"}, Only: map[string]file.Words{"state": {"OPEN"}}}, "id,state\n1,OPEN\n").Describe().Query
	if !strings.Contains(whole, "some rows of") || !strings.Contains(whole, `only {"state":["OPEN"]}`) {
		t.Errorf("the filter is not in %s", whole)
	}
}

// fill sets a field to a text, whatever its type.
func fill(t *testing.T, v reflect.Value, text string) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
	case reflect.Interface:
		v.Set(reflect.ValueOf(text))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), text)
	case reflect.Map:
		x := reflect.New(v.Type().Elem()).Elem()
		fill(t, x, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(text), x)
	default:
		t.Fatalf("say here how a %s is set", v.Kind())
	}
}
