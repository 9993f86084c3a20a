package systemd

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// manager is a socket as systemd's, and what comes to it.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestTheManagerIsTold(t *testing.T) {
	conn := manager(t)
	n := NewNotifier(Send, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		tell func()
		want string
	}{
		{func() { n.Ready("serving\nREADY=0") }, `^READY=1\nSTATUS=serving READY=0\n$`},
		{n.Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+\nSTATUS=loading the configuration again\n$`},
		{func() { n.Stopping("draining", 90*time.Second) }, `^STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=90000000\n$`},
		{func() { n.Stopping("draining", 0) }, `^STOPPING=1\nSTATUS=draining\n$`},
		{func() { n.Status("waiting") }, `^STATUS=waiting\n$`},
		{n.alive, `^WATCHDOG=1\n$`},
	} {
		c.tell()
		if got := receive(t, conn); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("told %q, want %s", got, c.want)
		}
	}
}

func TestWithoutAManagerNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var log bytes.Buffer
	NewNotifier(Send, slog.New(slog.NewTextHandler(&log, nil))).Ready("serving")
	NewNotifier(nil, nil).Ready("serving")
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
	NewNotifier(func(string) error { return errors.New("gone") }, slog.New(slog.NewTextHandler(&log, nil))).Ready("serving")
	if !strings.Contains(log.String(), "gone") {
		t.Errorf("a manager that is gone is not logged: %s", &log)
	}
}
