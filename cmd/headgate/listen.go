package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// listener is one bound address and what the configuration calls it.
type listener struct {
	net.Listener
	address config.Address
}

// place is an address to listen on and the key that asks for it.
type place struct {
	key     string
	address config.Address
}

// listen binds one address. own are the listeners that this process already has: an address that overlaps one of them
// (:8080 and 127.0.0.1:8080), which closes only after the new one is open, shares the port with it meanwhile.
func listen(p place, own []*listener) (*listener, error) {
	network, address := p.address.Split()
	if network == "unix" {
		if err := removeStaleSocket(address); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", p.key, p.address, err)
		}
	}
	bound, err := net.Listen(network, address)
	if errors.Is(err, syscall.EADDRINUSE) && network == "tcp" && sharePort(address, own) {
		shared := net.ListenConfig{Control: reusePort}
		bound, err = shared.Listen(context.Background(), network, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %q %w", p.key, p.address, whyNotBound(err))
	}
	return &listener{Listener: bound, address: p.address}, nil
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
		tcp, ok := l.Listener.(*net.TCPListener)
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

// staleDial bounds the attempt to find somebody behind a socket file; it is answered at once or never.
const staleDial = time.Second

// removeStaleSocket makes way for a socket at path. A process that was killed leaves its socket behind; one that a
// process still listens on, and anything that is not a socket, stays.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot be looked at: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return errors.New("is there and is not a socket; remove it or choose another path")
	}
	conn, err := net.DialTimeout("unix", path, staleDial)
	if err == nil {
		_ = conn.Close()
		return errors.New("is in use; stop the process that has it, or choose another path")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("is a socket that may be in use: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("is a socket left behind that cannot be removed: %w", err)
	}
	return nil
}

// listenAll binds what is wanted and not among kept, those of own that have the same purpose. It returns the listeners in
// the order wanted, and those of them that are new. On an error nothing new stays open.
func listenAll(wanted []place, kept, own []*listener) (all, opened []*listener, err error) {
	var errs []error
	for _, p := range wanted {
		if i := slices.IndexFunc(kept, func(l *listener) bool { return l.address == p.address }); i >= 0 {
			all = append(all, kept[i])
			continue
		}
		l, err := listen(p, own)
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
