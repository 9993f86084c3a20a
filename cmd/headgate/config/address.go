package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is what a listener listens on: "host:port" or "unix:/path".
type Address string

// Addresses is one Address or a list of them.
type Addresses []Address

// CIDR is a range of client addresses, written "10.0.0.0/8"; a bare address is a
// range of one. Addresses of IPv4 are always of IPv4 here, as those of clients are
// when they are compared, also where they were written as of IPv6.
type CIDR struct{ netip.Prefix }

// Nameserver is the address of a DNS server, with a port: 53 when none is
// written.
type Nameserver string

// maxUnixPath is how long the path of a Unix socket may be on Linux.
const maxUnixPath = 107

var errAddress = errors.New(`is not an address; want "host:port", such as ":8080" or "127.0.0.1:8080", or "unix:/path"`)

// UnmarshalTOML reads the value of a key.
func (a *Address) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New(`is ` + kindOf(v) + `; want "host:port" or "unix:/path"`)
	}
	*a = Address(strings.Clone(text))
	return a.check()
}

// UnmarshalTOML reads a string or a list of strings.
func (a *Addresses) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	*a = Addresses{}
	for _, v := range list {
		var one Address
		if err := one.UnmarshalTOML(v); err != nil {
			if ok {
				return errors.New("holds " + show(v) + ", which " + err.Error())
			}
			return err
		}
		*a = append(*a, one)
	}
	return nil
}

func (a Address) check() error {
	network, address := a.Split()
	if network == "unix" {
		if !strings.HasPrefix(address, "/") || len(address) > maxUnixPath || strings.ContainsRune(address, 0) {
			return errors.New(`is not the path of a socket; want "unix:" and an absolute path of at most ` +
				strconv.Itoa(maxUnixPath) + " bytes")
		}
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errAddress
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("has no port from 0 to 65535; want one such as \":8080\"")
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostName(host) {
		return errAddress
	}
	return nil
}

// Split is the network, "tcp" or "unix", and the address on it as net.Listen
// takes them.
func (a Address) Split() (network, address string) {
	if path, ok := strings.CutPrefix(string(a), "unix:"); ok {
		return "unix", path
	}
	return "tcp", string(a)
}

// loopback reports whether only this machine can reach the address.
func (a Address) loopback() bool {
	network, address := a.Split()
	if network == "unix" {
		return true
	}
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// clashes reports whether two listeners cannot have these addresses at once.
func (a Address) clashes(b Address) bool {
	network, _ := a.Split()
	if other, _ := b.Split(); network == "unix" || other == "unix" {
		return a == b
	}
	hostA, portA, _ := net.SplitHostPort(string(a))
	hostB, portB, _ := net.SplitHostPort(string(b))
	if portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || hostA == "" || hostB == ""
}

// UnmarshalTOML reads the value of a key.
func (c *CIDR) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New(`is ` + kindOf(v) + `; want a range of addresses, such as "10.0.0.0/8"`)
	}
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		c.Prefix = netip.PrefixFrom(ip, ip.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return errors.New(`is not a range of addresses; want one such as "10.0.0.0/8" or "fd00::/8"`)
	}
	if prefix.Addr().Is4In6() {
		const mapped = 96 // bits before the IPv4 address
		if prefix.Bits() < mapped {
			return errors.New(`is more than IPv4 written as IPv6; want a range of IPv4, such as "10.0.0.0/8", or one of IPv6`)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mapped)
	}
	c.Prefix = prefix.Masked()
	return nil
}

// UnmarshalTOML reads the value of a key.
func (n *Nameserver) UnmarshalTOML(v any) error {
	wanted := `; want an IP address with or without a port, such as "127.0.0.1:8600"`
	text, ok := v.(string)
	if !ok {
		return errors.New(`is ` + kindOf(v) + wanted)
	}
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		address, err = netip.ParseAddrPort(text + ":53")
	}
	if err != nil {
		address, err = netip.ParseAddrPort("[" + text + "]:53")
	}
	if err != nil || address.Port() == 0 {
		return errors.New("is not the address of a DNS server" + wanted)
	}
	*n = Nameserver(address.String())
	return nil
}

// hostName reports whether a name can be that of a host: labels of letters,
// digits, - and _, with dots between them.
func hostName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if !bareKey(label) || len(label) > 63 {
			return false
		}
	}
	return true
}
