// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"unicode/utf8"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

func keep(pages *[]collect.Page) func(collect.Page) error {
	return func(p collect.Page) error { *pages = append(*pages, p); return nil }
}

func TestCountsAgreeWithWhatWasHandedOver(t *testing.T) {
	var pages []collect.Page
	f := feed.New(t.Context(), keep(&pages), "a", "b")
	for i := range feed.Size + 1 {
		if err := f.Add(collect.Resource{Kind: "a", Key: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := f.End()
	if err != nil || !m.Complete || m.Counts["a"] != feed.Size+1 || m.Counts["b"] != 0 || len(pages) != 2 {
		t.Errorf("%v %+v, %d pages", err, m, len(pages))
	}
}

func TestAFailedRunCountsOnlyWhatLeft(t *testing.T) {
	var pages []collect.Page
	f := feed.New(t.Context(), keep(&pages), "a")
	if err := f.Add(collect.Resource{Kind: "a", Key: "1"}); err != nil {
		t.Fatal(err)
	}
	m, err := f.Fail(errors.New("gone"))
	if err == nil || m.Complete || m.Reason != "gone" || m.Counts["a"] != 0 || len(pages) != 0 {
		t.Errorf("%v %+v", err, m)
	}
}

func TestWhatNoSourceMayDoIsRefused(t *testing.T) {
	f := feed.New(t.Context(), func(collect.Page) error { return nil }, "a")
	for _, r := range []collect.Resource{{Kind: "other", Key: "1"}, {Kind: "a"}} {
		if f.Add(r) == nil {
			t.Errorf("%+v was taken", r)
		}
	}
	_ = f.Add(collect.Resource{Kind: "a", Key: "1"})
	if f.Add(collect.Resource{Kind: "a", Key: "1"}) == nil {
		t.Error("the same key was taken twice")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if m, err := feed.New(ctx, nil, "a").End(); err == nil || m.Complete {
		t.Error("a cancelled run ended well")
	}
}

func TestAReasonMakesARunIncomplete(t *testing.T) {
	f := feed.New(t.Context(), nil, "a")
	f.Incomplete("first %d", 1)
	f.Incomplete("second")
	if m, err := f.End(); err != nil || m.Complete || m.Reason != "first 1" {
		t.Errorf("%v %+v", err, m)
	}
}

func TestNothingIsKnownAndUnknownAtOnce(t *testing.T) {
	a := feed.NewAttrs()
	a.Unknown("first", "x")
	a.Unknown("second", "x")
	if a.Why["x"] != "first" {
		t.Error("the first reason did not stay")
	}
	a.Set("x", "v")
	a.Unknown("third", "x")
	if r := a.Resource("k", "1", "n"); r.Attrs["x"] != "v" || r.Why != nil {
		t.Errorf("%+v", r)
	}
}

func TestConfigurationIsStrict(t *testing.T) {
	var into struct {
		Path string `json:"path"`
	}
	for text, field := range map[string]string{`{"pth":1}`: "pth", `{"path":1}`: "path", `{"path":"x"}x`: "config", `[]`: "config"} {
		if err := feed.Config(json.RawMessage(text), &into); errs.Public(err).Field != field || errs.Public(err).Code != errs.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := feed.Config(nil, &into); err != nil {
		t.Error(err)
	}
}

func FuzzTextIsValidAndKeepsDifferencesApart(f *testing.F) {
	f.Add("a\xff", "a\xfe")
	f.Add("\x00", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := feed.Text(a), feed.Text(b)
		if !utf8.ValidString(x) {
			t.Fatal("not valid")
		}
		if utf8.ValidString(a) == utf8.ValidString(b) && len(a) == 1 && len(b) == 1 && a != b && x == y {
			t.Fatal("two became one")
		}
	})
}
