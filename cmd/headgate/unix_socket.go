package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// unixSocket is a listener on a socket file, which goes with the last listener on it.
type unixSocket struct {
	*net.UnixListener
	path   string
	users  *atomic.Int32 // listeners on the same file
	closed sync.Once
}

func listenUnix(path string) (net.Listener, error) {
	bound, err := net.Listen("unix", path)
	if err != nil {
		return nil, whyNotBound(err)
	}
	return newUnixSocket(bound, path, new(atomic.Int32)), nil
}

func newUnixSocket(l net.Listener, path string, users *atomic.Int32) *unixSocket {
	users.Add(1)
	unix := l.(*net.UnixListener)
	unix.SetUnlinkOnClose(false)
	return &unixSocket{UnixListener: unix, path: path, users: users}
}

// again is a second listener on the file.
func (s *unixSocket) again() (net.Listener, error) {
	second, err := duplicate(s.UnixListener)
	if err != nil {
		return nil, err
	}
	return newUnixSocket(second, s.path, s.users), nil
}

// Close closes the listener. The file goes first, so that nobody who comes later finds it closed.
func (s *unixSocket) Close() error {
	s.closed.Do(func() {
		if s.users.Add(-1) == 0 {
			_ = os.Remove(s.path) // somebody may have been quicker
		}
	})
	return s.UnixListener.Close()
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
