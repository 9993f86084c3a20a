package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// fileOf is a listening socket as the service manager has it, under a name. It is duplicated by hand, because File of a
// listener would make the socket blocking.
func fileOf(t *testing.T, l net.Listener, name string) *os.File {
	t.Helper()
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	copied := -1
	if failed := raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	return os.NewFile(uintptr(copied), name)
}

// passed is a socket on an address, under a name.
func passed(t *testing.T, network, address, name string) *systemd.Socket {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := systemd.NewSocket(fileOf(t, l, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAddressesOfSockets(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080} }
	for _, c := range []struct {
		configured config.Address
		bound      net.Addr
		want       bool
	}{
		{":8080", tcp("::"), true},
		{":8080", tcp("0.0.0.0"), true},
		{":8080", tcp("127.0.0.1"), false},
		{":8081", tcp("::"), false},
		{":0", tcp("::"), false},
		{"[::]:8080", tcp("::"), true},
		{"0.0.0.0:8080", tcp("0.0.0.0"), true},
		{"0.0.0.0:8080", tcp("::"), false},
		{"127.0.0.1:8080", tcp("127.0.0.1"), true},
		{"127.0.0.1:8080", tcp("::ffff:127.0.0.1"), true},
		{"127.0.0.1:8080", tcp("127.0.0.2"), false},
		{"127.0.0.1:8080", tcp("::"), false},
		{"localhost:8080", tcp("127.0.0.1"), true},
		{"localhost:8080", tcp("192.0.2.1"), false},
		{"unix:/run/headgate.sock", &net.UnixAddr{Name: "/run/headgate.sock", Net: "unix"}, true},
		{"unix:/run/headgate.sock", &net.UnixAddr{Name: "/run/other.sock", Net: "unix"}, false},
		{"unix:/run/headgate.sock", tcp("::"), false},
		{":8080", &net.UnixAddr{Name: ":8080", Net: "unix"}, false},
	} {
		if got := sameAddress(c.configured, c.bound); got != c.want {
			t.Errorf("%q and %s: %t", c.configured, c.bound, got)
		}
	}
}

// TestPassedSocketsMustMatch names a socket in every way and wants its place, or an error with both addresses.
func TestPassedSocketsMustMatch(t *testing.T) {
	port := freePort(t)
	address := "127.0.0.1:" + port
	path := filepath.Join(t.TempDir(), "gate.sock")
	for _, c := range []struct {
		name, socketName       string
		network, socketAddress string
		server, admin          string
		wrong                  []string // parts of the error; none: it starts
	}{
		{"named for tenants", "headgate", "tcp", address, address, "127.0.0.1:0", nil},
		{"named for operators", "admin", "tcp", address, "127.0.0.1:0", address, nil},
		{"named by its unit, for tenants", "headgate.socket", "tcp", address, address, "127.0.0.1:0", nil},
		{"named by its unit, for operators", "headgate.socket", "tcp", address, "127.0.0.1:0", address, nil},
		{"a socket file", "headgate", "unix", path, "unix:" + path, "127.0.0.1:0", nil},
		{"an address that nobody asks for", "headgate", "tcp", address, "127.0.0.1:0", "127.0.0.1:0", []string{
			"server.listen: ", `"` + address + `"`, "FileDescriptorName=headgate", `server.listen "127.0.0.1:0"`,
		}},
		{"named for the others", "admin", "tcp", address, address, "127.0.0.1:0", []string{
			"admin.listen: ", `"` + address + `"`, "FileDescriptorName=admin", `admin.listen "127.0.0.1:0"`,
		}},
		{"an unnamed one that nobody asks for", "headgate.socket", "tcp", address, "127.0.0.1:0", "127.0.0.1:0", []string{
			`"` + address + `"`, `server.listen "127.0.0.1:0", admin.listen "127.0.0.1:0"`,
		}},
		{"another socket file", "headgate", "unix", path, "127.0.0.1:0", "127.0.0.1:0", []string{`"unix:` + path + `"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := passed(t, c.network, c.socketAddress, c.socketName)
			toml := fmt.Sprintf("[server]\nlisten = %q\ndrain_delay = \"0s\"\n[admin]\nlisten = %q\n", c.server, c.admin) + everything("http://127.0.0.1:1")
			r := &running{t: t, file: filepath.Join(t.TempDir(), "headgate.toml"), log: &lockedBuffer{}}
			r.write(toml)
			app, err := New(AppOptions{ConfigFile: r.file, Log: r.log, Sockets: []*systemd.Socket{s}})
			if err == nil {
				app.begin()
				app.Close()
			}
			switch {
			case len(c.wrong) == 0 && err != nil:
				t.Error(err)
			case len(c.wrong) > 0 && err == nil:
				t.Error("it starts")
			}
			for _, part := range c.wrong {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not name %s", err, part)
				}
			}
			if c.network == "unix" {
				if _, err := os.Stat(path); err != nil {
					t.Errorf("the manager's socket file: %v", err)
				}
			}
		})
	}
}

// TestAPassedSocketOutlivesItsListener takes an address away and gives it back, while the manager holds its socket.
func TestAPassedSocketOutlivesItsListener(t *testing.T) {
	port := freePort(t)
	s := passed(t, "tcp", "127.0.0.1:"+port, "headgate")
	files := newCertified(t)
	toml := func(keys string) string {
		return strings.Replace(gate(everything("http://127.0.0.1:1")), `listen = "127.0.0.1:0"`, keys, 1)
	}
	listen := `listen = "127.0.0.1:` + port + `"`
	r := startWith(t, toml(listen), AppOptions{Sockets: []*systemd.Socket{s}})
	health := request{method: "GET", url: "http://127.0.0.1:" + port + "/healthz"}
	if a := health.must(t, newClient(t)); a.status != 200 {
		t.Fatalf("%d", a.status)
	}
	// Without the address connections would wait in the socket for ever.
	r.write(toml(`listen = "127.0.0.1:0"`))
	if problems := r.Reload(); len(problems) != 1 || !strings.HasPrefix(problems[0], "error: server.listen: the service manager passed ") {
		t.Errorf("a reload without the address: %q", problems)
	}
	r.write(strings.Replace(toml(`listen = "127.0.0.1:0"`), "[admin]", files.table(listen)+"[admin]", 1))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	health.url = "https://127.0.0.1:" + port + "/healthz"
	eventually(t, "TLS on the same socket", func() bool {
		a, err := health.send(files.client())
		return err == nil && a.status == 200
	})
}

func TestTwoSocketsForOneAddress(t *testing.T) {
	s := passed(t, "tcp", "127.0.0.1:0", "headgate")
	_, port, err := net.SplitHostPort(s.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	places := []place{{key: "server.listen", address: config.Address("127.0.0.1:" + port)}}
	if err := checkPassed([]*systemd.Socket{s}, places); err != nil {
		t.Error(err)
	}
	if err := checkPassed([]*systemd.Socket{s, s}, places); err == nil || !strings.Contains(err.Error(), "two sockets") {
		t.Errorf("%v, want an error about two sockets", err)
	}
}

// service is headgate as systemd runs it: a child with sockets and a manager to tell.
type service struct {
	*exec.Cmd
	notify *net.UnixConn
	log    *lockedBuffer
}

// startService runs the configuration in a child that is passed listeners.
func startService(t *testing.T, file string, names []string, listeners []net.Listener, more ...string) *service {
	t.Helper()
	program, err := exec.LookPath("headgate") // this test binary under that name, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &service{notify: conn, log: &lockedBuffer{}}
	// LISTEN_PID is that of the shell, which becomes headgate.
	s.Cmd = exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" run --config "$1"`, program, file)
	s.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(listeners)), "LISTEN_FDNAMES="+strings.Join(names, ":"), "NOTIFY_SOCKET="+path)
	s.Env = append(s.Env, more...)
	s.Stderr = s.log
	for i, l := range listeners {
		f := fileOf(t, l, names[i])
		defer f.Close()
		s.ExtraFiles = append(s.ExtraFiles, f)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Process.Kill() // it has ended, unless the test failed
		_ = s.Wait()
		if t.Failed() {
			t.Logf("the log of a service:\n%s", s.log)
		}
	})
	return s
}

// await waits until the manager is told something with a text in it.
func (s *service) await(t *testing.T, text string) {
	t.Helper()
	if err := s.notify.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	for {
		n, err := s.notify.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
		if strings.Contains(string(b[:n]), text) {
			return
		}
	}
}

// stop ends the service in order.
func (s *service) stop(t *testing.T) {
	t.Helper()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.await(t, "STOPPING=1\n")
	if err := s.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestOneServiceTakesOverFromAnother keeps clients coming, each on a connection of its own, while one process after the
// other serves the same sockets: each next one starts before the last one is told to go.
func TestOneServiceTakesOverFromAnother(t *testing.T) {
	cortex := newUpstream(t)
	gateway, operators := loopback(t), loopback(t)
	file := filepath.Join(t.TempDir(), "headgate.toml")
	toml := fmt.Sprintf("[server]\nlisten = %q\ndrain_delay = \"0s\"\n[admin]\nlisten = %q\n", gateway.Addr(), operators.Addr()) +
		everything(cortex.URL) + tenant("team-a", "prometheus-a", "one")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func() *service {
		s := startService(t, file, []string{"headgate", "admin"}, []net.Listener{gateway, operators}, "WATCHDOG_USEC=3000000")
		s.await(t, "READY=1\n")
		return s
	}
	service := run()

	stop := make(chan struct{})
	var pushes, failed atomic.Int64
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := request{method: "POST", url: "http://" + gateway.Addr().String() + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}.send(client)
				pushes.Add(1)
				if err != nil || a.status != 200 {
					failed.Add(1)
					t.Errorf("a push: %d %q %v", a.status, a.body, err)
					return
				}
			}
		})
	}
	const rounds = 3
	for range rounds {
		next := run()
		before := pushes.Load()
		eventually(t, "both serve", func() bool { return pushes.Load() > before+20 })
		service.stop(t)
		service = next
	}
	service.await(t, "WATCHDOG=1\n")
	if err := service.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	service.await(t, "RELOADING=1\nMONOTONIC_USEC=")
	service.await(t, "READY=1\n")
	close(stop)
	load.Wait()
	if a := (request{method: "GET", url: "http://" + operators.Addr().String() + "/ready"}).must(t, newClient(t)); a.status != 200 {
		t.Errorf("/ready on the passed socket: %d", a.status)
	}
	service.stop(t)
	if failed.Load() > 0 || pushes.Load() == 0 {
		t.Errorf("%d of %d pushes failed", failed.Load(), pushes.Load())
	}

	// While nobody serves, connections wait in the sockets, and the next service answers them.
	waiting := make(chan answer, 1)
	dialled := make(chan struct{})
	go func() {
		client := newClient(t)
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			defer close(dialled)
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		a, err := request{method: "POST", url: "http://" + gateway.Addr().String() + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}.send(client)
		if err != nil {
			a.body = err.Error()
		}
		waiting <- a
	}()
	<-dialled
	last := run()
	if a := <-waiting; a.status != 200 {
		t.Errorf("a push that came while nobody served: %d %q", a.status, a.body)
	}
	last.stop(t)
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestAServiceWithTheWrongSocketsSaysSo(t *testing.T) {
	l := loopback(t)
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(gate(everything("http://127.0.0.1:1"))), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startService(t, file, []string{"headgate"}, []net.Listener{l})
	var exit *exec.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want exit code 1", err)
	}
	if !strings.Contains(s.log.String(), fmt.Sprintf("headgate: server.listen: the service manager passed a socket of %q", l.Addr())) {
		t.Errorf("it said %s", s.log)
	}
}
