package systemd

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fileOf is the socket of a listener or a connection as another process would have it.
func fileOf(t *testing.T, conn syscall.Conn, name string) *os.File {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	copied := -1
	if failed := raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	return os.NewFile(uintptr(copied), name)
}

func TestASocketStaysOpenWhenItsListenersClose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSocket(fileOf(t, l.(syscall.Conn), "headgate"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Name != "headgate" || s.Addr.String() != l.Addr().String() {
		t.Errorf("%q at %v, want headgate at %v", s.Name, s.Addr, l.Addr())
	}
	for range 3 {
		// The connection is there before anybody listens, as far as this process goes.
		client, err := net.Dial("tcp", s.Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		listener, err := s.Listener()
		if err != nil {
			t.Fatal(err)
		}
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(server, "hello"); err != nil {
			t.Error(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(client, b); err != nil || string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
		client.Close()
		server.Close()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", s.Addr.String()); err == nil {
		t.Error("somebody still listens")
	}
}

func TestTheFileOfASocketStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := NewSocket(fileOf(t, l.(syscall.Conn), "headgate"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	listener, err := s.Listener()
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestWhatDoesNotListenIsAnError(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{fileOf(t, packets.(syscall.Conn), "packets"), file} {
		if _, err := NewSocket(f); err == nil || !strings.Contains(err.Error(), "ListenStream=") {
			t.Errorf("%s: %v", f.Name(), err)
		}
		f.Close()
	}
}

func TestWithoutAManagerThereAreNoSockets(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	if sockets, err := Sockets(); len(sockets) != 0 || err != nil {
		t.Errorf("%v, %v", sockets, err)
	}
	if os.Getenv("LISTEN_FDS") != "" {
		t.Error("a child would take the sockets for its own")
	}
}
