// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"strings"
	"testing"

	"assay/internal/ledger"
)

func TestTheFastCommitmentIsThatOfTheLedger(t *testing.T) {
	r := &entryReader{}
	for n := range 200 {
		body := bytes.Repeat([]byte{byte(n), 'x'}, n)
		for _, size := range []int{rowSalt, bodySalt} {
			salt := bytes.Repeat([]byte{byte(3 * n)}, size)
			if got, text := commit(r, salt, string(body)); got != ledger.Commit(salt, body) || !bytes.Equal(text, body) {
				t.Fatalf("another commitment for %d bytes", len(body))
			}
		}
	}
}

func TestAPlainBatchIsReadAsJSONReadsIt(t *testing.T) {
	root := strings.Repeat("0f", 32)
	good := `{"table":"reading","rows":12,"root":"` + root + `"}`
	if rows, got, ok := plainBatch("reading", good); !ok || rows != 12 || got != root {
		t.Fatal("the plain form is not read")
	}
	for i := range len(good) {
		for _, c := range []byte{'0', '9', 'F', '"', '\\', ' ', ','} {
			b := good[:i] + string(c) + good[i+1:]
			rows, got, ok := plainBatch("reading", b)
			if wantRows, wantRoot, want := batchBody("reading", b); ok && (!want || rows != wantRows || got != wantRoot) {
				t.Fatalf("%s is read otherwise than JSON reads it", b)
			}
		}
	}
}
