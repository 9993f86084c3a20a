package proxy

import (
	"bytes"
	"math/rand/v2"
	"net/netip"

	"github.com/headgate/headgate/proxy/wire"
)

// maxRequestID is the longest X-Request-ID that is kept, in bytes.
const maxRequestID = 64

// identify gives the request its id, and finds out where it comes from: the peer, or what a trusted proxy says of it.
func (x *exchange) identify() {
	x.client = x.conn.Peer()
	x.from = x.client
	x.trusted = x.snapshot != nil && within(x.snapshot.trusted, x.client)
	if x.trusted {
		x.client, x.from = x.forwardedFor()
		if id, ok := x.field("x-request-id"); ok && validRequestID(id) {
			x.id = append(x.idBuf[:0], id...)
			return
		}
	}
	const hex = "0123456789abcdef"
	x.id = x.idBuf[:16]
	for i, r := 0, rand.Uint64(); i < len(x.id); i, r = i+1, r>>4 {
		x.id[i] = hex[r&15]
	}
}

// clientText is the client's address, or "unix".
func (x *exchange) clientText() string {
	if x.client == x.conn.Peer() {
		return x.conn.PeerText()
	}
	return x.client.String()
}

// within reports whether one of the prefixes holds an address.
func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func validRequestID(id []byte) bool {
	if len(id) == 0 || len(id) > maxRequestID {
		return false
	}
	for _, c := range id {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// forwardedFor is the address that the nearest proxy which is not ours was called from: the last one of all
// X-Forwarded-For that is not trusted itself. An entry that is not an address ends the search; sure is invalid then:
// whoever stands before our proxies must not be taken for one of them.
func (x *exchange) forwardedFor() (addr, sure netip.Addr) {
	addr = x.conn.Peer()
	for i := len(x.head.Fields) - 1; i >= 0; i-- {
		if !wire.EqualFold(x.head.Fields[i].Name, "x-forwarded-for") {
			continue
		}
		list := x.head.Fields[i].Value
		for len(list) > 0 {
			at := bytes.LastIndexByte(list, ',')
			next, err := netip.ParseAddr(string(bytes.TrimSpace(list[at+1:])))
			if err != nil {
				return addr, netip.Addr{}
			}
			if addr = next.Unmap(); !within(x.snapshot.trusted, addr) {
				return addr, addr
			}
			list = list[:max(at, 0)]
		}
	}
	return addr, addr
}

// appendForwarded says who the client is and how it came.
func (x *exchange) appendForwarded(b []byte) []byte {
	host := x.head.Host
	if x.trusted {
		b, host = x.appendRelayed(b)
	} else {
		b = append(b, x.conn.originLines()...)
	}
	if len(host) > 0 {
		b = append(b, "X-Forwarded-Host: "...)
		b = append(b, host...)
		b = append(b, '\r', '\n')
	}
	return b
}

// appendRelayed is appendForwarded for a trusted proxy, up to the host: what it said itself counts.
func (x *exchange) appendRelayed(b []byte) (_, host []byte) {
	proto, host := x.conn.Protocol(), x.head.Host
	b = append(b, "X-Forwarded-For: "...)
	for i := range x.head.Fields {
		if f := &x.head.Fields[i]; wire.EqualFold(f.Name, "x-forwarded-for") && len(f.Value) > 0 {
			b = append(b, f.Value...)
			b = append(b, ", "...)
		}
	}
	b = append(b, x.conn.PeerText()...)
	b = append(b, '\r', '\n')
	if p, ok := x.field("x-forwarded-proto"); ok && (string(p) == "http" || string(p) == "https") {
		proto = string(p)
	}
	if h, ok := x.field("x-forwarded-host"); ok && wire.ValidHost(h) {
		host = h
	}
	b = wire.AppendLine(b, "X-Real-IP", x.clientText())
	return wire.AppendLine(b, "X-Forwarded-Proto", proto), host
}

// originLines is what every request of the connection says of its client, made once.
func (c *client) originLines() []byte {
	if c.origin == nil {
		c.origin = wire.AppendLine(c.origin, "X-Forwarded-For", c.PeerText())
		c.origin = wire.AppendLine(c.origin, "X-Real-IP", c.PeerText())
		c.origin = wire.AppendLine(c.origin, "X-Forwarded-Proto", c.Protocol())
	}
	return c.origin
}
