// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// The stages of docs/ledger-format.md, section 10: the first that has a problem gives the verdict.
const (
	stageFormat = iota
	stageFile
	stageSign
	stageContent
	stageRoot
	stageKept
	stageDatabase // what only a database has: index tables, links, nodes of the tree, files
)

// The parts of an entry, in the order in which they are checked.
const (
	partEntry = iota
	partBody
	partRows
	partBatch
)

// unknownFormat is the class of a file that could not be judged.
const unknownFormat = 1

// place is where a problem stands in the order of the checks.
type place struct{ stage, entry, part, n int64 }

type placed struct {
	place
	Problem
}

// findings are problems in the order in which they count, never many more than are asked for: however many
// there are and in whatever order they are met, the first ones are kept.
type findings struct {
	all   []placed
	limit int
}

func (f *findings) add(p placed) {
	f.all = append(f.all, p)
	if len(f.all) >= 4*f.limit {
		f.cut()
	}
}

func (f *findings) cut() {
	slices.SortFunc(f.all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.entry, b.entry), cmp.Compare(a.part, b.part), cmp.Compare(a.n, b.n), cmp.Compare(b.Class/Missing, a.Class/Missing), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Text, b.Text))
	})
	f.all = f.all[:min(len(f.all), f.limit)]
}

// list gives the problems, the one that decides the verdict first.
func (f *findings) list() []Problem {
	f.cut()
	out := make([]Problem, len(f.all))
	for i := range f.all {
		out[i] = f.all[i].Problem
	}
	return out
}

// batchNow is the entry whose row lines are being read.
type batchNow struct {
	seq        int64
	kind       string
	skip       bool // an extra entry: its rows are not looked at
	open       bool // its body is there and is that of a batch
	rows, next int64
	root       string
	sum        edge
}

// exportCheck reads an export once, from top to end, and holds it against itself, the key and the kept checkpoints.
type exportCheck struct {
	out      ExportAudit
	problems findings
	key      string
	kept     []ledger.Checkpoint
	roots    map[int64]tlog.Hash // the root at the size of each kept checkpoint
	line     int64
	size     int64 // from the header
	origin   string
	note     string
	ended    bool
	stop     bool // the form is broken: nothing after it is read
	next     int64
	last     ledger.Entry
	edge     edge
	now      *batchNow
	gone     map[int64]bool // bodies that no disposal covers, so far
	goneRows map[[2]int64]bool
}

// VerifyExport verifies an export with nothing but the export, the public key and the checkpoints that somebody kept.
// Without a key ("") it takes the one in the file and says so; a key of nothing but spaces and line ends was given
// and is malformed. The error is for what could not be read at all.
func VerifyExport(r io.Reader, key string, kept []string) (ExportAudit, error) {
	k := &exportCheck{problems: findings{limit: 100}, key: strings.Trim(key, " \r\n"), roots: map[int64]tlog.Hash{}, gone: map[int64]bool{}, goneRows: map[[2]int64]bool{}}
	k.out.KeyGiven = key != ""
	k.keep(kept)
	in := bufio.NewReaderSize(r, 1<<16)
	for !k.stop {
		b, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return k.out, fmt.Errorf("read export: %w", err)
		}
		if len(b) == 0 {
			break
		}
		k.line++
		k.read(b)
	}
	k.finish(kept)
	return k.out, nil
}

// readLine reads a line with its end; of one that is too long, only so much that this can be seen.
func readLine(in *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		b, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if out = append(out, b...); len(out) <= maxLine+1 {
				continue
			}
			return out, nil
		}
		if out == nil {
			return b, err
		}
		return append(out, b...), err
	}
}

// keep reads the sizes of the kept checkpoints, whose roots must be computed on the way. Whether they are
// signed is looked at in the end.
func (k *exportCheck) keep(kept []string) {
	for _, msg := range kept {
		cp, err := ledger.ReadNote(msg)
		if err != nil {
			cp.Size = -1
		}
		k.kept = append(k.kept, cp)
		k.roots[cp.Size] = tlog.Hash{}
	}
	if _, ok := k.roots[0]; ok {
		k.roots[0] = k.edge.root()
	}
}

func (k *exportCheck) bad(p place, class int, object, format string, a ...any) {
	entry := p.entry
	if p.stage != stageContent {
		entry = -1
	}
	k.problems.add(placed{p, Problem{class, object, entry, fmt.Sprintf(format, a...)}})
}

func (k *exportCheck) form(format string, a ...any) {
	k.bad(place{stage: stageFile, n: k.line}, Altered, fmt.Sprintf("line %d", k.line), format, a...)
	k.stop = true
}

func (k *exportCheck) read(b []byte) {
	line, whole := b, false
	if b[len(b)-1] == '\n' {
		line, whole = b[:len(b)-1], true
	}
	if k.ended {
		k.bad(place{stage: stageFile, n: k.line}, Missing, fmt.Sprintf("line %d", k.line), "it stands after the checkpoint, which is the last line")
		k.stop = true
		return
	}
	long := len(line) > maxLine
	if k.line == 1 && !long && unknown(line) {
		k.bad(place{stage: stageFormat}, unknownFormat, "header", "this is not an export in the format %s", ExportFormat)
		k.stop = true
		return
	}
	s := &scan{b: line}
	switch {
	case !whole, long, !utf8.Valid(line):
		k.form("it is cut off, too long, or not UTF-8")
	case k.line == 1:
		k.header(s)
	case s.try(`{"checkpoint":`):
		k.note = s.text()
		s.lit(`}`)
		if k.ended = s.end(); !k.ended {
			k.form("it is not a checkpoint line in the form of %s", ExportFormat)
		}
	case s.try(`{"h":`):
		k.rowLine(s)
	default:
		k.entryLine(s)
	}
}

func unknown(line []byte) bool {
	var m map[string]any
	if !utf8.Valid(line) || json.Unmarshal(line, &m) != nil {
		return false
	}
	f, ok := m["format"].(string)
	return ok && f != ExportFormat
}

func (k *exportCheck) header(s *scan) {
	s.lit(`{"exported_at":`)
	k.out.ExportedAt = s.time()
	s.lit(`,"format":"` + ExportFormat + `","key":`)
	key := s.text()
	s.lit(`,"origin":`)
	k.origin = s.text()
	s.lit(`,"program":`)
	k.out.Program = s.text()
	s.lit(`,"public":`)
	if k.out.Public = s.try("true"); !k.out.Public {
		s.lit("false")
	}
	s.lit(`,"size":`)
	k.size = s.number()
	s.lit(`}`)
	if !s.end() {
		k.form("it is not a header in the form of %s", ExportFormat)
		return
	}
	k.out.Org = strings.TrimPrefix(k.origin, ledger.Origin(""))
	k.keys(key)
}

// keys is the first part of the third stage: whose ledger this is.
func (k *exportCheck) keys(inHeader string) {
	at := place{stage: stageSign}
	if !k.out.KeyGiven {
		k.key = inHeader
	}
	name, _, _ := strings.Cut(k.key, "+")
	switch {
	case ledger.CheckKey(k.key) != nil:
		k.bad(at, BadSign, "key", "it is not the public key of a ledger")
	case k.key != inHeader:
		k.bad(at, BadSign, "key", "the file is signed by another key than the one you trust: %s", inHeader)
	case name != k.origin:
		k.bad(at, BadSign, "key", "it is the key of %s, and the file is of %s", name, k.origin)
	}
}

// finish holds what was read against the checkpoints, and lists the problems in their order.
func (k *exportCheck) finish(kept []string) {
	switch {
	case k.line == 0:
		k.bad(place{stage: stageFile}, Missing, "header", "the file is empty")
	case !k.stop && !k.ended:
		k.bad(place{stage: stageFile, n: k.line + 1}, Missing, "checkpoint", "the file ends without one: it was cut off")
	case !k.stop:
		k.signatures(kept)
	}
	k.out.Problems = k.problems.list()
	root := k.edge.root()
	k.out.Size, k.out.Root = k.edge.size, hex.EncodeToString(root[:])
}

func (k *exportCheck) signatures(kept []string) {
	k.endBatch()
	if k.next < k.size {
		k.bad(place{stageContent, k.next, partEntry, 0}, Missing, fmt.Sprintf("entry %d", k.next), "it is missing; the ledger has %d entries", k.size)
	}
	for seq := range k.gone {
		k.bad(place{stageContent, seq, partBody, 0}, Missing, fmt.Sprintf("body of entry %d", seq), "it is gone, and no entry says that it was disposed of")
	}
	for r := range k.goneRows {
		k.bad(place{stageContent, r[0], partRows, r[1]}, Missing, fmt.Sprintf("row %d of batch %d", r[1], r[0]), "it is gone, and no entry says that it was disposed of")
	}
	k.out.Disposed -= int64(len(k.gone))
	cp, err := ledger.OpenCheckpoint(k.note, k.key)
	if err != nil {
		k.bad(place{stage: stageSign, n: 1}, BadSign, "checkpoint", "%v", err)
		return
	}
	k.out.Checkpoints = 1
	if cp.Size != k.size {
		k.bad(place{stageContent, -1, 0, 0}, Altered, "header", "it says %d entries, and the checkpoint is for %d", k.size, cp.Size)
	}
	if k.edge.root() != cp.Root {
		k.bad(place{stage: stageRoot}, Altered, "root", "the entries are not those that the checkpoint was signed for")
	}
	for i, msg := range kept {
		k.out.Kept++
		name, at := fmt.Sprintf("kept %d", i+1), int64(i)
		old, err := ledger.OpenCheckpoint(msg, k.key)
		switch {
		case err != nil:
			k.bad(place{stage: stageSign, n: 2 + at}, BadSign, name, "%v", err)
		case old.Size > cp.Size:
			k.bad(place{stage: stageKept, n: at}, Diverged, name, "it is for %d entries, and the file has only %d", old.Size, cp.Size)
		case k.roots[old.Size] != old.Root:
			k.bad(place{stage: stageKept, n: at}, Diverged, name, "the first %d entries are not those that it was signed for", old.Size)
		}
	}
}
