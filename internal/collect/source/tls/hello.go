// SPDX-License-Identifier: Apache-2.0

package tls

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A TLS library offers the ciphers it has, and a server that wants others refuses it: that would
// look as if the server refused the protocol. So a refusal is believed only after a hello that
// offers every cipher there is. The server's answer names the version it chose; nothing is
// negotiated after that, and the connection is closed.
const (
	ssl3  = 0x0300
	tls10 = 0x0301
	tls11 = 0x0302
	tls12 = 0x0303
	tls13 = 0x0304
)

var names = map[uint16]string{ssl3: "ssl3", tls10: "1.0", tls11: "1.1", tls12: "1.2", tls13: "1.3"}

// answer is what a server did with one version.
type answer int

const (
	unclear   answer = iota // it cannot be told: the reason stands beside it
	accepted                // it chose this version
	refused                 // it said no, in words of TLS
	erred                   // it said that something went wrong inside it
	closed                  // it closed the connection without a word
	plainHTTP               // it answered in HTTP without TLS
	notTLS                  // it answered in something else
)

// wideCiphers are those of SSL 3.0 to TLS 1.2 that servers have been seen to want.
var wideCiphers = []uint16{
	0xc02c, 0xc02b, 0xc030, 0xc02f, 0xcca9, 0xcca8, 0xccaa, 0xc0ad, 0xc0ac, 0xc09f, 0xc09e, 0xc09d, 0xc09c,
	0xc024, 0xc023, 0xc028, 0xc027, 0xc00a, 0xc009, 0xc014, 0xc013, 0xc073, 0xc072, 0xc077, 0xc076,
	0x009f, 0x009e, 0x00a3, 0x00a2, 0x006b, 0x0067, 0x006a, 0x0040, 0x0039, 0x0033, 0x0038, 0x0032,
	0x0088, 0x0045, 0x0087, 0x0044, 0x009a, 0x0099, 0x00c4, 0x00be,
	0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x0084, 0x0041, 0x0096, 0x0007, 0x00c0, 0x00ba,
	0xc005, 0xc004, 0xc00f, 0xc00e, 0xc02e, 0xc02d, 0xc032, 0xc031,
	0xc008, 0xc012, 0x0016, 0x0013, 0x000a, 0xc003, 0xc00d, 0xc007, 0xc011, 0xc002, 0xc00c, 0x0005, 0x0004,
	0x0015, 0x0012, 0x0009, 0x0014, 0x0011, 0x0008, 0x0006, 0x0003,
	0xc019, 0xc018, 0xc017, 0xc016, 0xc015, 0x00a7, 0x00a6, 0x006d, 0x006c, 0x003a, 0x0034, 0x001b, 0x0018, 0x001a, 0x0019, 0x0017,
	0xc006, 0xc010, 0xc001, 0xc00b, 0x003b, 0x0002, 0x0001,
	0x00ff, // says that renegotiation is understood
}

// plainCiphers are those among them in which the server signs nothing: a server may err over a signature that it is not
// allowed to make any more, and still speak the protocol without one.
var plainCiphers = []uint16{0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x0084, 0x0041, 0x0096, 0x0007, 0x000a, 0x0005, 0x0004, 0x0009, 0x00ff}

// clientHello writes one hello for exactly this version.
func clientHello(version uint16, serverName string, ciphers []uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, version)
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails, and nothing here rests on it
	body = append(body, random[:]...)
	body = append(body, 0) // no session to resume
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(ciphers)))
	for _, c := range ciphers {
		body = binary.BigEndian.AppendUint16(body, c)
	}
	body = append(body, 1, 0) // no compression
	if version > ssl3 {
		body = sized16(body, extensions(version, serverName, len(body)))
	}
	message := append([]byte{1, 0}, binary.BigEndian.AppendUint16(nil, uint16(len(body)))...)
	record := []byte{22, 3, byte(min(version, tls10))}
	return sized16(record, append(message, body...))
}

func extensions(version uint16, serverName string, before int) []byte {
	var all []byte
	add := func(id uint16, data []byte) { all = sized16(binary.BigEndian.AppendUint16(all, id), data) }
	if serverName != "" {
		add(0, sized16(nil, sized16([]byte{0}, []byte(serverName))))
	}
	add(10, sized16(nil, []byte{0, 29, 0, 23, 0, 24, 0, 25, 0, 22, 1, 0, 1, 1})) // groups
	add(11, []byte{1, 0})                                                        // points as they are
	if version >= tls12 {
		add(13, sized16(nil, []byte{4, 3, 5, 3, 6, 3, 8, 4, 8, 5, 8, 6, 4, 1, 5, 1, 6, 1, 2, 3, 2, 1, 4, 2, 2, 2}))
	}
	if gap := 520 - before - len(all); gap > 4 { // some servers hang on a hello of 256 to 511 bytes
		add(21, make([]byte, gap-4))
	}
	return all
}

func sized16(to, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(data))), data...)
}

// sayHello offers one version with some ciphers and reads which version the server chose.
func (s *Source) sayHello(ctx context.Context, to netip.AddrPort, version uint16, serverName string, ciphers []uint16) (uint16, answer, error) {
	conn, err := s.dial(ctx, to)
	if err != nil {
		return 0, unclear, err
	}
	defer conn.Close()
	if _, err := conn.Write(clientHello(version, serverName, ciphers)); err != nil {
		return 0, silence(err), err
	}
	return readAnswer(conn)
}

func readAnswer(r io.Reader) (uint16, answer, error) {
	var head [5]byte
	if n, err := io.ReadFull(r, head[:]); err != nil {
		if n > 0 {
			return 0, notTLS, fmt.Errorf("it answered %q", head[:n])
		}
		return 0, silence(err), err
	}
	switch {
	case string(head[:]) == "HTTP/":
		return 0, plainHTTP, errors.New("it answered in HTTP without TLS")
	case head[1] != 3 || (head[0] != 21 && head[0] != 22):
		return 0, notTLS, fmt.Errorf("it answered %q", head[:])
	}
	var body [6]byte
	want := body[:2]
	if head[0] == 22 {
		want = body[:6]
	}
	if _, err := io.ReadFull(r, want); err != nil {
		return 0, silence(err), err
	}
	if head[0] == 21 {
		return 0, alert(body[1]), fmt.Errorf("alert %d", body[1])
	}
	if body[0] != 2 {
		return 0, unclear, fmt.Errorf("handshake message %d in place of a server's hello", body[0])
	}
	return binary.BigEndian.Uint16(body[4:6]), accepted, nil
}

// alert says what an alert means for the version that was offered.
func alert(code byte) answer {
	switch code {
	case 0: // closing
		return closed
	case 80:
		return erred
	case 40, 47, 70, 71, 86: // no common ground, an impossible value, the version, too weak
		return refused
	}
	return unclear
}

// silence says what the lack of an answer means.
func silence(err error) answer {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return closed
	}
	return unclear
}

// dial connects with a limit on everything that happens on the connection.
func (s *Source) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, s.wait())
	conn, err := s.net.Dial(ctx, to)
	if err != nil {
		stop()
		return nil, err
	}
	return &bounded{Conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() }), cancel: stop, ctx: ctx}, nil
}

// bounded is a connection that ends with its context, however slowly the other side drips.
type bounded struct {
	net.Conn
	ctx    context.Context //nolint:containedctx // it is the connection's own lifetime
	stop   func() bool
	cancel context.CancelFunc
}

func (b *bounded) Close() error {
	b.stop()
	b.cancel()
	return b.Conn.Close()
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	return n, b.late(err)
}

func (b *bounded) Write(p []byte) (int, error) {
	n, err := b.Conn.Write(p)
	return n, b.late(err)
}

// late names the time limit in place of the closed connection that it leads to.
func (b *bounded) late(err error) error {
	if err != nil && b.ctx.Err() != nil {
		return os.ErrDeadlineExceeded
	}
	return err
}

// SetDeadline is not used: the context bounds everything.
func (b *bounded) SetDeadline(time.Time) error { return nil }
