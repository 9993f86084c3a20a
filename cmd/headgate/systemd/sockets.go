package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// Socket is a listening socket that the service manager passed. The manager has it open as well, so that connections wait
// in it while nobody accepts. It stays open until it is closed, or the process ends.
type Socket struct {
	Name string // FileDescriptorName= of its unit, by default the name of the unit
	Addr net.Addr

	file *os.File
}

// Sockets are those that this process was passed; none when it was started in another way. They can be had once: the
// environment that names them is cleared, so that no child takes them for its own. An error names what is no listening
// stream socket.
func Sockets() ([]*Socket, error) {
	var sockets []*Socket
	for _, file := range activation.Files(true) {
		s, err := NewSocket(file)
		if err != nil {
			return nil, fmt.Errorf("socket %q passed by the service manager: %w", file.Name(), err)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// NewSocket is the socket in a file, whose name is the socket's. The file belongs to it from then on.
func NewSocket(file *os.File) (*Socket, error) {
	listening, err := unix.GetsockoptInt(int(file.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listening == 0 {
		return nil, errors.New("is not one that listens; want ListenStream= and Accept=no in its unit")
	}
	s := &Socket{Name: file.Name(), file: file}
	l, err := s.Listener()
	if err != nil {
		return nil, err
	}
	s.Addr = l.Addr()
	return s, l.Close()
}

// Listener is a listener on the socket. Closing it leaves the socket open, and its file where it is.
func (s *Socket) Listener() (net.Listener, error) {
	l, err := net.FileListener(s.file)
	if err != nil {
		return nil, fmt.Errorf("cannot be listened on: %w", err)
	}
	return l, nil
}

// Close gives the socket up; listeners on it stay.
func (s *Socket) Close() error { return s.file.Close() }
