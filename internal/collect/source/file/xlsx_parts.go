// SPDX-License-Identifier: Apache-2.0

package file

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The limits of the parts of a workbook. What a part unpacks to is measured, never believed, and what its elements come to in
// memory is many times their bytes: `<si/>` are five.
const (
	maxParts    = 2000
	maxUnpacked = 128 << 20 // all parts that are read
	maxInMemory = 1 << 20   // of a sheet or of the shared texts; a larger one is spilled to a temporary file
	maxShared   = 32 << 20  // xl/sharedStrings.xml
	maxTexts    = 1_000_000 // texts in it
	maxText     = 128 << 10 // of one text: more than a cell of a spreadsheet can have
	maxSmall    = 8 << 20   // any other part: it is held as a whole
	maxNodes    = 200_000   // marks of XML in one row, in one text, and in any other part
	maxSheet    = 1 << 20   // rows of a sheet
	maxCells    = 2_000_000 // cells of a sheet, those without a value too: each takes time, and `<c/>` are four bytes
	maxStretch  = 1 << 20   // bytes between two marks
)

// unread are the folders and parts of a workbook in which no value of a cell is.
var unread = []string{"media", "drawings", "charts", "embeddings", "pivotcache", "pivottables", "externallinks", "customxml", "docprops", "theme",
	"printersettings", "tables", "querytables", "ctrlprops", "activex", "slicers", "slicercaches", "persons", "threadedcomments", "richdata", "worksheets/_rels",
	"styles.xml", "calcchain.xml", "metadata.xml", "connections.xml"}

// slim gives a workbook with only the parts that are read, each held against its limits; or says why it may not be opened.
func slim(ctx context.Context, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xd0, 0xcf, 0x11, 0xe0}) {
		return nil, &badFile{text: "it is an old or a protected workbook; save it as XLSX without a password"}
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &badFile{text: "it is no XLSX workbook; set format to what it is"}
	}
	if len(z.File) > maxParts {
		return nil, &badFile{text: fmt.Sprintf("the workbook has more than %d parts; save the sheet as CSV", maxParts)}
	}
	var b bytes.Buffer
	out, l := zip.NewWriter(&b), &limits{left: maxUnpacked, highest: -1}
	seen := map[string]bool{}
	for _, part := range z.File {
		if !wanted(part.Name) {
			continue
		}
		name := path.Clean("/" + partName(part.Name))
		if seen[name] {
			return nil, &badFile{text: "the workbook is damaged: it has the part " + cut(part.Name) + " twice, and programs differ in which of them they read; save it again as XLSX or as CSV"}
		}
		seen[name] = true
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.hold(part); err != nil {
			return nil, err
		}
		if err := out.Copy(part); err != nil {
			return nil, fmt.Errorf("copy %s of the workbook: %w", part.Name, err)
		}
	}
	if l.highest >= l.texts {
		return nil, &badFile{text: "the workbook is damaged: a cell names a text that is not in it; save it again as XLSX or as CSV"}
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("end the copy of the workbook: %w", err)
	}
	return b.Bytes(), nil
}

func partName(name string) string { return strings.ToLower(strings.ReplaceAll(name, `\`, "/")) }

// wanted says whether a part can have to do with the values of cells.
func wanted(name string) bool {
	name = "/" + strings.TrimPrefix(partName(name), "/")
	if ext := path.Ext(name); ext != ".xml" && ext != ".rels" {
		return false
	}
	return !strings.HasPrefix(path.Base(name), "comments") &&
		!slices.ContainsFunc(unread, func(u string) bool { return strings.HasSuffix(name, "/"+u) || strings.Contains(name, "/"+u+"/") })
}

// limits is what the parts of a workbook come to.
type limits struct {
	left    int64 // bytes that may still be unpacked
	texts   int   // shared ones
	highest int   // the last of them that a cell names
}

func (l *limits) hold(part *zip.File) error {
	r, err := part.Open()
	if err != nil {
		return damaged(part)
	}
	defer r.Close()
	m := &meter{r: bufio.NewReaderSize(r, 64<<10), part: path.Base(partName(part.Name)), l: l, most: maxSmall}
	switch name := partName(part.Name); {
	case m.part == "sharedstrings.xml":
		m.record, m.records, m.most, m.perText = "si", maxTexts, maxShared, maxText
	case strings.Contains("/"+name, "/worksheets/"):
		m.record, m.records, m.most, m.perText = "row", maxSheet, maxUnpacked, maxUnpacked
	}
	err = m.measure()
	if m.record == "si" {
		l.texts += m.n
	}
	var bad *badFile
	if err != nil && !errors.As(err, &bad) {
		return damaged(part)
	}
	return err
}

func damaged(part *zip.File) error {
	return &badFile{text: "the workbook is damaged: its part " + cut(part.Name) + " cannot be unpacked; save it again as XLSX or as CSV"}
}

// meter counts what one part comes to, without holding any of it.
type meter struct {
	r       *bufio.Reader
	l       *limits
	part    string
	record  string // the element that is read one at a time; none where the part is held as a whole
	records int    // at most
	most    int64  // bytes
	perText int    // bytes of text in a record

	n, nodes, values, text int
	cells                  int // of all records
	bytes                  int64
	shared                 bool // the cell names a shared text
	after                  bool // the rows are over
}

func (m *meter) over(what string, limit int64) error {
	where := m.part
	if m.n > 0 && m.record == "row" {
		return &badFile{row: m.n, text: fmt.Sprintf("the row has more than %d %s; save the sheet as CSV", limit, what)}
	}
	return &badFile{text: fmt.Sprintf("%s in the workbook has more than %d %s; save the sheet as CSV", cut(where), limit, what)}
}

// measure reads the part mark by mark, as the reader of XML will: what stands in a comment is no element.
func (m *meter) measure() error {
	for {
		if _, err := m.to("<", false); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		head, err := m.r.Peek(32)
		if len(head) == 0 {
			return err
		}
		switch {
		case bytes.HasPrefix(head, []byte("!--")):
			_, err = m.to("-->", true)
		case bytes.HasPrefix(head, []byte("![CDATA[")):
			_, err = m.to("]]>", true)
		case head[0] == '?':
			err = m.declaration()
		case head[0] == '!':
			return &badFile{text: cut(m.part) + " in the workbook declares types of its own; save it again as XLSX or as CSV"}
		default:
			err = m.element(string(head))
		}
		if err != nil {
			return err
		}
	}
}

// declaration reads what stands at the beginning of XML. In other characters than ASCII and UTF-8 other bytes would be marks.
func (m *meter) declaration() error {
	before := m.bytes
	text, err := m.to("?>", true)
	if err != nil {
		return err
	}
	says := strings.ToLower(string(text))
	if m.bytes-before > int64(len(text)+2) || strings.Contains(says, "encoding") && !strings.Contains(says, "utf-8") && !strings.Contains(says, "us-ascii") {
		return &badFile{text: cut(m.part) + " in the workbook is not in UTF-8; save it again as XLSX or as CSV"}
	}
	return nil
}

// to reads up to the end of a sign, and gives the last bytes before it.
func (m *meter) to(sign string, must bool) ([]byte, error) {
	var last []byte
	tag := sign == "<" // it may begin inside of one
	for n := 0; ; {
		b, err := m.r.ReadSlice(sign[len(sign)-1])
		if errors.Is(err, io.EOF) && must {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		n += len(b)
		m.bytes += int64(len(b))
		m.l.left -= int64(len(b))
		m.text += len(b)
		if i := bytes.IndexByte(b, '>'); tag && i >= 0 {
			m.text -= min(i+2, len(b)) // the tag, and the mark that is next
			tag = false
		}
		switch {
		case m.bytes > m.most:
			return nil, &badFile{text: fmt.Sprintf("%s in the workbook unpacks to more than %d bytes; save the sheet as CSV", cut(m.part), m.most)}
		case m.l.left < 0:
			return nil, &badFile{text: fmt.Sprintf("the workbook unpacks to more than %d bytes; save the sheet as CSV", int64(maxUnpacked))}
		case n > maxStretch:
			return nil, m.over("bytes without a mark of XML", maxStretch)
		}
		last = append(last[max(0, len(last)-len(sign)):], b...)
		if err == nil && bytes.HasSuffix(last, []byte(sign)) {
			return last[:len(last)-len(sign)], nil
		}
	}
}

// element counts one mark, of which the head is known.
func (m *meter) element(head string) error {
	m.nodes++
	name := head
	if end := strings.IndexAny(head, " \t\r\n/>"); end > 0 {
		name = head[:end]
	}
	name = name[strings.LastIndexByte(name, ':')+1:]
	switch {
	case m.record == "row" && closed(head) == "sheetData": // nothing is read behind it
		m.record, m.after = "", true
	case m.after:
	case m.record != "" && name == m.record:
		if m.n++; m.n > m.records {
			return &badFile{text: fmt.Sprintf("%s in the workbook has more than %d entries; save the sheet as CSV", cut(m.part), m.records)}
		}
		m.nodes, m.values, m.text = 0, 0, 0
	case m.nodes > maxNodes:
		return m.over("marks of XML", maxNodes)
	case m.record == "row" && (name == "c" || name == "v" || name == "is"):
		return m.cell(name)
	case m.record != "" && m.text > m.perText:
		return m.over("bytes", int64(m.perText))
	}
	return nil
}

// closed is the name of the element that a mark ends.
func closed(head string) string {
	name, ok := strings.CutPrefix(head, "/")
	if end := strings.IndexAny(name, " \t\r\n>"); ok && end > 0 {
		return name[strings.LastIndexByte(name[:end], ':')+1 : end]
	}
	return ""
}

// cell counts the cells of a row that have a value, and keeps the highest shared text that one of them names.
func (m *meter) cell(name string) error {
	tag, err := m.to(">", true)
	if err != nil {
		return err
	}
	switch {
	case name == "c":
		if m.cells++; m.cells > maxCells {
			return &badFile{text: fmt.Sprintf("%s in the workbook has more than %d cells; delete the empty rows and columns, or save the sheet as CSV", cut(m.part), maxCells)}
		}
		m.shared = bytes.Contains(tag, []byte(` t="s"`)) || bytes.Contains(tag, []byte(` t='s'`))
		return nil
	case bytes.HasSuffix(tag, []byte("/")):
		return nil
	}
	if m.values++; m.values > maxColumns {
		return &badFile{row: m.n, text: fmt.Sprintf("it has more than %d columns", maxColumns)}
	}
	if name == "v" && m.shared {
		at, _ := m.r.Peek(16)
		digits, _, _ := bytes.Cut(at, []byte("<"))
		if n, err := strconv.Atoi(strings.TrimSpace(string(digits))); err == nil {
			m.l.highest = max(m.l.highest, n)
		}
	}
	return nil
}
