package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// listener is one bound address and what the configuration calls it.
type listener struct {
	net.Listener              // what is served: the socket with PROXY headers and TLS around it
	socket       net.Listener // itself
	address      config.Address
	secure       bool
}

// place is an address to listen on and the key that asks for it.
type place struct {
	key     string
	address config.Address
	secure  bool // with TLS
}

// binder binds addresses for a configuration.
type binder struct {
	passed []*systemd.Socket                               // sockets of the service manager, which are bound already
	own    []*listener                                     // what this process has already
	dress  func(socket net.Listener, p place) net.Listener // puts around a socket what is served
}

// listen binds one address. One that this process has already, without TLS or for another purpose, shares its socket, so
// that no connection is refused in between. One that overlaps another of our own (:8080 and 127.0.0.1:8080), which
// closes only after the new one is open, shares the port with it meanwhile.
func (b binder) listen(p place) (*listener, error) {
	socket, err := b.socket(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %q %w", p.key, p.address, err)
	}
	return &listener{Listener: b.dress(socket, p), socket: socket, address: p.address, secure: p.secure}, nil
}

func (b binder) socket(p place) (net.Listener, error) {
	if i := slices.IndexFunc(b.passed, func(s *systemd.Socket) bool { return isFor(s, p) }); i >= 0 {
		return b.passed[i].Listener()
	}
	if i := slices.IndexFunc(b.own, func(l *listener) bool { return l.address == p.address && !anyPort(p.address) }); i >= 0 {
		return again(b.own[i].socket)
	}
	network, address := p.address.Split()
	if network == "unix" {
		if err := removeStaleSocket(address); err != nil {
			return nil, err
		}
		return listenUnix(address)
	}
	bound, err := net.Listen(network, address)
	if errors.Is(err, syscall.EADDRINUSE) && sharePort(address, b.own) {
		shared := net.ListenConfig{Control: reusePort}
		bound, err = shared.Listen(context.Background(), network, address)
	}
	if err != nil {
		return nil, whyNotBound(err)
	}
	return bound, nil
}

// anyPort reports whether the kernel chooses the port, so that the same address twice is two sockets.
func anyPort(a config.Address) bool {
	network, address := a.Split()
	_, port, err := net.SplitHostPort(address)
	return network == "tcp" && err == nil && strings.Trim(port, "0") == ""
}

// again is a second listener on a socket; the socket is there until both are closed.
func again(socket net.Listener) (net.Listener, error) {
	if unix, ok := socket.(*unixSocket); ok {
		return unix.again()
	}
	return duplicate(socket)
}

// duplicate does not ask the socket for its File: that one makes the socket blocking for a moment, in which an Accept
// that is under way may stay for good.
func duplicate(socket net.Listener) (net.Listener, error) {
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("cannot be shared: %w", err)
	}
	second := -1
	failed := raw.Control(func(fd uintptr) { second, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("cannot be shared: %w", err)
	}
	file := os.NewFile(uintptr(second), "socket")
	defer file.Close()
	return net.FileListener(file)
}

// whyNotBound says in an operator's words why an address could not be bound.
func whyNotBound(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("is in use; stop the process that has it, or choose another address")
	case errors.Is(err, syscall.EACCES):
		return errors.New("may not be bound by this user; below port 1024 that takes CAP_NET_BIND_SERVICE")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return errors.New("is not an address of this machine; want one that it has, or only the port")
	default:
		return fmt.Errorf("cannot be bound: %w", err)
	}
}

// reusePort lets a socket share its port with others of this user that agree to it.
func reusePort(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(err, failed)
}

// sharePort makes those of our own listeners that have the port of address agree to share it, and reports whether there
// is one.
func sharePort(address string, own []*listener) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	shared := false
	for _, l := range own {
		tcp, ok := l.socket.(*net.TCPListener)
		if !ok {
			continue
		}
		if _, has, _ := net.SplitHostPort(tcp.Addr().String()); has != port {
			continue
		}
		if raw, err := tcp.SyscallConn(); err == nil && reusePort("", "", raw) == nil {
			shared = true
		}
	}
	return shared
}

// listenAll binds what is wanted and not among kept, those of our own that have the same purpose. It returns the
// listeners in the order wanted, and those of them that are new. On an error nothing new stays open.
func (b binder) listenAll(wanted []place, kept []*listener) (all, opened []*listener, err error) {
	var errs []error
	for _, p := range wanted {
		if i := slices.IndexFunc(kept, func(l *listener) bool { return l.address == p.address && l.secure == p.secure }); i >= 0 {
			all = append(all, kept[i])
			continue
		}
		l, err := b.listen(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all, opened = append(all, l), append(opened, l)
	}
	if len(errs) > 0 {
		closeAll(opened)
		return nil, nil, errors.Join(errs...)
	}
	return all, opened, nil
}

// closeAll closes listeners. What a close can report does not matter to anybody: the address is free either way.
func closeAll(listeners []*listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
