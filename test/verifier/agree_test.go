// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/store"
	"assay/internal/testkit"
)

func TestWhereThePageOnceLeftAChoiceBothVerifiersMakeTheSame(t *testing.T) {
	dir := t.TempDir()
	all := choices()
	want := make([]string, len(all))
	for n, c := range all {
		l := &log{trusted: c.trusted, kept: c.kept}
		if code, object := ours(t, c.file, l); code != c.code || object != c.object {
			t.Errorf("%s: %d %s, want %d %s", c.about, code, object, c.code, c.object)
		}
		put(t, dir, n, c.file, l)
		want[n] = fmt.Sprintf("%05d %d %s", n, c.code, c.object)
	}
	if alone(t) {
		return
	}
	agree(t, theirs(t, "--batch", dir), want, func(i int) string { return all[i].about })
}

// A line of 64 MiB is read and one byte more is not, wherever it stands and whatever is in it.
func TestALineIsTooLongFromOneByteOver64MiBOn(t *testing.T) {
	if testkit.Fast() {
		return // it reads half a gigabyte, twice
	}
	const most = 64 << 20
	l := example()
	good := l.lines()
	long := func(start, end string, n int) string {
		return start + strings.Repeat("x", n-len(start)-len(end)) + end
	}
	program := strings.Index(good[0], "vectors")
	head := func(format string, n int) string {
		return strings.Replace(long(good[0][:program], good[0][program:], n), l.format, format, 1)
	}
	other := len("other") - len(l.format)
	for _, c := range []struct {
		about  string
		lines  func() []string // made one at a time: together they are half a gigabyte
		code   int
		object string
		ends   []string
	}{
		{"a header of 64 MiB", func() []string { return append([]string{head(l.format, most)}, good[1:]...) }, 0, "-", []string{"\n"}},
		{"a header of a byte more", func() []string { return append([]string{head(l.format, most+1)}, good[1:]...) }, 2, "line 1", []string{"\n"}},
		{"another format, 64 MiB", func() []string { return []string{head("other", most-other)} }, 1, "header", []string{"\n"}},
		{"another format, a byte more", func() []string { return []string{head("other", most-other+1)} }, 2, "line 1", []string{"\n", ""}},
		{"a row that is too long", func() []string { return append(good[:3:3], long(good[3][:len(good[3])-1], `"}`, most+1)) }, 2, "line 4", []string{"\n"}},
		{"a line that is too long behind the checkpoint", func() []string { return append(good[:9:9], long("", "", most+1)) }, 3, "line 10", []string{""}},
	} {
		for _, end := range c.ends {
			dir := t.TempDir()
			file := []byte(strings.Join(c.lines(), "\n") + end)
			if code, object := ours(t, file, &log{}); code != c.code || object != c.object {
				t.Errorf("%s, end %q: %d %s, want %d %s", c.about, end, code, object, c.code, c.object)
			}
			put(t, dir, 0, file, &log{})
			agree(t, theirs(t, "--batch", dir), []string{fmt.Sprintf("00000 %d %s", c.code, c.object)}, func(int) string { return c.about })
			if err := os.Remove(filepath.Join(dir, "00000.ndjson")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

type torn struct{ io.Reader }

func (r torn) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrClosedPipe
	}
	return n, err
}

func TestWhatCannotBeReadIsNotChecked(t *testing.T) {
	l := example()
	whole := tampered{lines: l.lines()}.file()
	if _, err := store.VerifyExport(torn{bytes.NewReader(whole)}, "", nil); err == nil {
		t.Error("a file that could not be read to its end has a verdict")
	}
	if alone(t) {
		return
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "00000.ndjson"), 0o755); err != nil { // can be opened, not read
		t.Fatal(err)
	}
	put(t, dir, 1, whole, l)
	agree(t, theirs(t, "--batch", dir), []string{"00000 1 file", "00001 0 -"}, func(int) string { return "a folder, a file" })
}
