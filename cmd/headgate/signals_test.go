package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNoSignalToEndIsLost: whatever else comes, and as long as nobody looks.
func TestNoSignalToEndIsLost(t *testing.T) {
	signals, stop := notifySignals()
	defer stop()
	for range 50 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a SIGHUP is there", func() bool { return len(signals.Reload) > 0 })
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
		before := len(signals.End)
		if err := syscall.Kill(syscall.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		eventually(t, s.String()+" is there", func() bool { return len(signals.End) > before })
	}
}

// silentNameserver takes questions and answers none, until it is told to say that it cannot.
func silentNameserver(t *testing.T, speak <-chan struct{}) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for {
			question := make([]byte, 512)
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			go func() {
				<-speak
				question[2] |= 0x80                   // an answer
				question[3] = question[3]&0xf0 | 0x02 // SERVFAIL
				_, _ = conn.WriteTo(question[:n], from)
			}()
		}
	}()
	return conn.LocalAddr().String()
}

// TestAStartThatWaitsForDNSDelaysNoEnd: it is given up as well.
func TestAStartThatWaitsForDNSDelaysNoEnd(t *testing.T) {
	speak := make(chan struct{})
	dns := "[dns]\nservers = [\"" + silentNameserver(t, speak) + "\"]\n" // it speaks until nothing is left
	checkLeaks(t)
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(gate(dns+everything("http://nosuch.example:9009"))), 0o600); err != nil {
		t.Fatal(err)
	}
	starting, end := context.WithCancel(t.Context())
	end()
	app, err := New(AppOptions{ConfigFile: file, Log: &lockedBuffer{}, Starting: starting})
	if !errors.Is(err, errStopping) {
		app.Close()
		t.Errorf("New ended with %v, want %v", err, errStopping)
	}
	close(speak) // the resolver's own goroutines wait for it
}

// TestAReloadThatWaitsForDNSDelaysNoEnd: it is given up, and nothing of it is in use.
func TestAReloadThatWaitsForDNSDelaysNoEnd(t *testing.T) {
	m, speak := newTold(), make(chan struct{})
	dns := "[dns]\nservers = [\"" + silentNameserver(t, speak) + "\"]\n"
	r := startWith(t, gate(dns+everything("http://127.0.0.1:1")), AppOptions{Notify: m.notify})
	if got := m.next(t); !strings.Contains(got, "READY=1\n") {
		t.Fatalf("told %q", got)
	}
	before := r.current.Load()
	r.write(gate(dns + everything("http://nosuch.example:9009")))
	r.signal(syscall.SIGHUP)
	if got := m.next(t); !strings.Contains(got, "RELOADING=1\n") {
		t.Fatalf("told %q", got)
	}
	r.signal(syscall.SIGTERM)
	if got := m.next(t); !strings.Contains(got, "STOPPING=1\n") {
		t.Errorf("told %q, want to be told first that the program stops", got)
	}
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	close(speak) // the resolver's own goroutines wait for it
	if r.current.Load() != before {
		t.Error("the configuration whose reload was given up is in use")
	}
	if !strings.Contains(r.log.String(), "reload given up") {
		t.Error("the log does not say that the reload was given up")
	}
}
