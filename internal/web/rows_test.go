// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"
	"testing"
)

// A search that ends at its bound says so; one that came to the end does not.
func TestASearchThatEndsAtItsBoundSaysSo(t *testing.T) {
	for things, more := range map[int]bool{0: false, 1200: false, mostRead: false, mostRead + 1: true, 3 * mostRead: true} {
		at, asked := 0, 0
		l, err := through(func(after string) (listing, error) {
			if after != fmt.Sprint(at) && at > 0 {
				t.Fatalf("page after %q, want %d", after, at)
			}
			asked++
			var l listing
			for ; len(l.Data) < readSize && at < things; at++ {
				l.Data = append(l.Data, thing{"n": at})
			}
			if at < things {
				l.Next = fmt.Sprint(at)
			}
			return l, nil
		}, func(t thing) bool { return t["n"].(int)%2 == 0 })
		if err != nil || (l.Next != "") != more || len(l.Data) != (min(things, mostRead)+1)/2 || asked > mostRead/readSize {
			t.Errorf("%d things: %v, %d found in %d pages, next %q", things, err, len(l.Data), asked, l.Next)
		}
		if text := shownOf(5, len(l.Data), l.Next != ""); strings.Contains(text, "Only the first 20,000") != more {
			t.Errorf("%d things: %s", things, text)
		}
	}
	if text := shownOf(1000, 1300, false); !strings.HasPrefix(text, "1,000 of 1,300 shown. ") {
		t.Error(text)
	}
}
