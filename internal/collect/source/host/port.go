// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// ports lists what accepts connections: TCP sockets that listen, and UDP sockets bound to no peer.
func (p *probe) ports(device string) ([]collect.Resource, error) {
	seen := map[string]bool{}
	var out []collect.Resource
	for _, table := range []struct{ file, protocol, state string }{
		{"/proc/net/tcp", "tcp", "0A"}, {"/proc/net/tcp6", "tcp", "0A"}, {"/proc/net/udp", "udp", "07"}, {"/proc/net/udp6", "udp", "07"},
	} {
		text, err := p.read(table.file)
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(table.file, "6") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, errs.New(errs.Unavailable, "the list of listening ports cannot be read: %s", why(table.file, err)).Because(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			f := strings.Fields(line)
			if n == 0 || len(f) < 4 || f[3] != table.state {
				continue
			}
			at, err := socket(f[1])
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", table.file, err)
			}
			key := table.protocol + "/" + at.String()
			if seen[key] {
				continue // several processes share it
			}
			seen[key] = true
			a := feed.NewAttrs()
			a.Set("device", device)
			a.Set("protocol", table.protocol)
			a.Set("address", at.Addr().String())
			a.Set("port", int64(at.Port()))
			a.Set("local_only", at.Addr().IsLoopback())
			out = append(out, a.Resource(kindPort, device+"/"+key, at.String()+"/"+table.protocol))
		}
	}
	return out, nil
}

// socket reads an address as the kernel writes it: words in the machine's own byte order.
func socket(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || (len(b) != 4 && len(b) != 16) {
		return netip.AddrPort{}, fmt.Errorf("socket %q", s)
	}
	for i := 0; i < len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	addr, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}
