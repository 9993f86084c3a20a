package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// Names that FileDescriptorName= may give a socket. Any other name says nothing about what the socket is for.
const (
	namedForTenants   = "headgate"
	namedForOperators = "admin"
)

// checkPassed reports sockets of the service manager that the configuration does not ask for: connections to them would
// wait until somebody accepts them, which nobody does.
func checkPassed(passed []*systemd.Socket, wanted []place) error {
	var errs []error
	taken := make(map[place]bool)
	for _, s := range passed {
		i := slices.IndexFunc(wanted, func(p place) bool { return isFor(s, p) })
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("%s: the service manager passed %s, which is none of these: %s; want the same address in both, "+
				"or no such socket", keyFor(s), describeSocket(s), describePlaces(wanted, s)))
		case taken[wanted[i]]:
			errs = append(errs, fmt.Errorf("%s: the service manager passed two sockets for %q; want one", wanted[i].key, wanted[i].address))
		default:
			taken[wanted[i]] = true
		}
	}
	return errors.Join(errs...)
}

// isFor reports whether a socket is the one for a place: by its name, if that says anything, and by its address.
func isFor(s *systemd.Socket, p place) bool {
	switch s.Name {
	case namedForTenants:
		if p.key == adminListen {
			return false
		}
	case namedForOperators:
		if p.key != adminListen {
			return false
		}
	}
	return sameAddress(p.address, s.Addr)
}

// hostLookup bounds the look-up of a host name in an address to listen on; such names are in the hosts file.
const hostLookup = 5 * time.Second

// sameAddress reports whether a socket is bound to a configured address.
func sameAddress(a config.Address, bound net.Addr) bool {
	network, address := a.Split()
	if network == "unix" {
		return bound.Network() == "unix" && bound.String() == address
	}
	tcp, ok := bound.(*net.TCPAddr)
	host, port, err := net.SplitHostPort(address)
	if !ok || err != nil || port != fmt.Sprint(tcp.Port) {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if host == "" {
		return ip.IsUnspecified()
	}
	if literal, err := netip.ParseAddr(host); err == nil {
		return literal.Unmap().WithZone("") == ip
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostLookup)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && slices.ContainsFunc(found, func(f netip.Addr) bool { return f.Unmap() == ip })
}

// keyFor is the key that a socket should be at.
func keyFor(s *systemd.Socket) string {
	if s.Name == namedForOperators {
		return adminListen
	}
	return "server.listen"
}

func describeSocket(s *systemd.Socket) string {
	address := s.Addr.String()
	if s.Addr.Network() == "unix" {
		address = "unix:" + address
	}
	return fmt.Sprintf("a socket of %q (FileDescriptorName=%s)", address, s.Name)
}

// describePlaces lists where a socket of this name could be.
func describePlaces(wanted []place, s *systemd.Socket) string {
	var list []string
	for _, p := range wanted {
		if s.Name == namedForTenants && p.key == adminListen || s.Name == namedForOperators && p.key != adminListen {
			continue
		}
		list = append(list, fmt.Sprintf("%s %q", p.key, p.address))
	}
	if len(list) == 0 {
		return "no address at all"
	}
	return strings.Join(list, ", ")
}
