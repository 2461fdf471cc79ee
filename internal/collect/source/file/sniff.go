// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// others are files that are not what their ending says, by how they begin.
var others = []struct{ begins, what string }{
	{"\xd0\xcf\x11\xe0", "it is an old or a protected workbook; save it as XLSX without a password, or as CSV"},
	{"PK\x03\x04", "the file is a spreadsheet or an archive; set format to xlsx, or save it as CSV"},
	{"PK\x05\x06", "the file is a spreadsheet or an archive; set format to xlsx, or save it as CSV"},
	{"\x1f\x8b", "the file is compressed; unpack it first"},
	{"BZh", "the file is compressed; unpack it first"},
	{"\xfd7zXZ", "the file is compressed; unpack it first"},
	{"%PDF", "the file is a PDF; export the data as CSV"},
	{"<!doctype html", "the file is a web page; export the data as CSV, or open it in a spreadsheet program and save it as XLSX"},
	{"<html", "the file is a web page; export the data as CSV, or open it in a spreadsheet program and save it as XLSX"},
	{"<table", "the file is a web page; export the data as CSV, or open it in a spreadsheet program and save it as XLSX"},
	{"<?xml", "the file is XML; open it in a spreadsheet program and save it as XLSX or CSV"},
}

// other says what a file is that is neither CSV nor JSON, or nothing.
func other(head []byte) string {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, o := range others {
		if bytes.HasPrefix(head, []byte(o.begins)) || bytes.HasPrefix(bytes.ToLower(head), []byte(o.begins)) {
			return o.what
		}
	}
	return ""
}

// narrowed reads a file in two-byte characters as UTF-8. Everything after it sees that text, its digest included.
func narrowed(in io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(in, 64)
	head, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(head, []byte{0xff, 0xfe}) && !bytes.Equal(head, []byte{0xfe, 0xff}) {
		return b, nil
	}
	return &wideText{in: transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())}, nil
}

// wideText refuses what the decoder had to replace: two different texts would become one.
type wideText struct {
	in   io.Reader
	tail []byte
}

func (w *wideText) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	seen := append(w.tail, p[:n]...)
	if bytes.Contains(seen, []byte("\ufffd")) {
		return 0, &badFile{text: "it holds what is no UTF-16 text; save the file as UTF-8"}
	}
	w.tail = bytes.Clone(seen[max(0, len(seen)-2):])
	return n, err
}
