package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// told is a service manager that keeps what it is told.
type told chan string

func newTold() told { return make(chan string, 1000) }

func (m told) notify(state string) error {
	m <- state
	return nil
}

// next is the next thing that it is told, except that the program lives.
func (m told) next(t *testing.T) string {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case state := <-m:
			if state != "WATCHDOG=1\n" {
				return state
			}
		case <-deadline.C:
			t.Fatal("the manager was told nothing")
		}
	}
}

func TestTheManagerKnowsWhatTheProgramDoes(t *testing.T) {
	m := newTold()
	rest := everything("http://127.0.0.1:1") + tenant("team-a", "prometheus-a", "one")
	r := startWith(t, gate(rest), AppOptions{Notify: m.notify})
	want := func(parts ...string) {
		t.Helper()
		got := m.next(t)
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("told %q, want %q in it", got, part)
			}
		}
	}
	want("READY=1\n", "STATUS=serving on "+r.Addrs()[0].String()+": 1 client, ", "1 upstream\n")

	r.write(gate(rest + tenant("team-b", "prometheus-b", "two")))
	r.signal(syscall.SIGHUP)
	want("RELOADING=1\nMONOTONIC_USEC=")
	want("READY=1\n", ": 2 clients, ")

	r.write("[server]\nlistn = 1\n")
	r.signal(syscall.SIGHUP)
	want("RELOADING=1\n")
	want("READY=1\n", ": 2 clients, ", `; the last reload was refused: error: server.listn: line 2: `)

	r.signal(syscall.SIGTERM)
	want("STOPPING=1\n", "STATUS=draining: 0 requests under way\n", "EXTEND_TIMEOUT_USEC=140000000\n") // 2m10s and 10s
	want("STATUS=draining: accepting no more, waiting for 0 requests\n")
	if err := r.wait(); err != nil {
		t.Error(err)
	}
}

// TestSignsOfLife lets a watchdog wait for three of them, over every kind of listener.
func TestSignsOfLife(t *testing.T) {
	files := newCertified(t)
	rest := everything("http://127.0.0.1:1")
	server := func(keys string) string { return strings.Replace(gate(rest), "[admin]", keys+"\n[admin]", 1) }
	socket := filepath.Join(t.TempDir(), "gate.sock")
	for name, toml := range map[string]string{
		"plain":              server(""),
		"no health path":     server(`health_path = ""`),
		"TLS":                server(files.table("")),
		"TLS, no health":     server("health_path = \"\"\n" + files.table("")),
		"client certificate": server(files.table(fmt.Sprintf("client_auth = \"required\"\nclient_ca_file = %q", files.path("ca.pem")))),
		"PROXY headers":      server("proxy_protocol = true\ntrusted_proxies = [\"127.0.0.1\"]"),
		"PROXY before TLS":   server("proxy_protocol = true\ntrusted_proxies = [\"127.0.0.1\"]\n" + files.table("")),
		"PROXY of others":    server("proxy_protocol = true\ntrusted_proxies = [\"192.0.2.1\"]"),
		"not from here":      server(`allow_from = ["192.0.2.1"]`),
		"a full house":       server("max_connections = 1"),
		"a socket":           strings.Replace(gate(rest), `listen = "127.0.0.1:0"`, `listen = "unix:`+socket+`"`, 1),
		"every address":      strings.Replace(gate(rest), `listen = "127.0.0.1:0"`, `listen = ":0"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			m := newTold()
			r := startWith(t, toml, AppOptions{Notify: m.notify, Watchdog: 300 * time.Millisecond})
			signs := 0
			eventually(t, "three signs of life", func() bool {
				select {
				case state := <-m:
					if state == "WATCHDOG=1\n" {
						signs++
					}
				default:
				}
				return signs == 3
			})
			if strings.Contains(r.log.String(), "did not agree") {
				t.Error("the program complains about itself")
			}
		})
	}
}

// TestNoSignOfLifeFromWhatDoesNotServe asks listeners that are bound and that nobody accepts on.
func TestNoSignOfLifeFromWhatDoesNotServe(t *testing.T) {
	checkLeaks(t)
	files := newCertified(t)
	r := &running{t: t, file: filepath.Join(t.TempDir(), "headgate.toml"), log: &lockedBuffer{}}
	r.write(withTLS(files.table(`listen = "127.0.0.1:0"`), everything("http://127.0.0.1:1")))
	app, err := New(AppOptions{ConfigFile: r.file, Log: r.log})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = app.alive(ctx)
	if err == nil {
		t.Fatal("it is taken for alive")
	}
	for _, addr := range app.Addrs() {
		if !strings.Contains(err.Error(), addr.String()+" does not answer") {
			t.Errorf("%v does not name %s", err, addr)
		}
	}
	app.begin()
	if err := app.alive(t.Context()); err != nil {
		t.Errorf("once it serves: %v", err)
	}
	for _, l := range app.current.Load().servers {
		app.proxy.Unserve(l.Listener)
	}
	if err := app.alive(t.Context()); err == nil {
		t.Error("with closed listeners it is taken for alive")
	}
	app.startDraining()
	if err := app.alive(t.Context()); err != nil {
		t.Errorf("while draining: %v", err)
	}
}
