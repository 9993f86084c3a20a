// Package fleettest runs a real etcd for tests.
package fleettest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Patience is for what may take long on a busy machine.
const Patience = 60 * time.Second

// Server is a real etcd of one member, on loopback.
type Server struct {
	Endpoint string // "http://127.0.0.1:…", or https
	admin    clientv3.Config
	args     []string
	process  *exec.Cmd
}

// New starts one, which ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := prepare(t, "http://"+FreeAddress(t))
	s.Start(t)
	return s
}

// prepare is an etcd that is not started yet.
func prepare(t testing.TB, endpoint string, more ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("etcd is not installed: apt-get install etcd-server")
		}
		t.Skip("etcd is not installed: apt-get install etcd-server")
	}
	peer := "http://" + FreeAddress(t)
	s := &Server{Endpoint: endpoint, args: append([]string{
		"--name", "one", "--data-dir", t.TempDir(), "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=" + peer,
		"--heartbeat-interval", "100", "--election-timeout", "1000", "--logger", "zap", "--log-outputs", "/dev/null",
	}, more...)}
	s.admin = clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: Patience, Logger: zap.NewNop()}
	t.Cleanup(s.Kill)
	return s
}

// FreeAddress is one of loopback that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// Start starts it, again with what it knew before.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.process = exec.Command("etcd", s.args...)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	admin, err := clientv3.New(s.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if _, err := admin.Get(ctx, "x"); err != nil {
		t.Fatalf("etcd does not come up: %v", err)
	}
}

// Kill ends it at once.
func (s *Server) Kill() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

// Admin is a client for what operators do to etcd.
func (s *Server) Admin(t testing.TB) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(s.admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// Put writes a key as another program does.
func (s *Server) Put(t testing.TB, key, text string) {
	t.Helper()
	s.do(t, func(ctx context.Context, admin *clientv3.Client) error {
		_, err := admin.Put(ctx, key, text)
		return err
	})
}

// Delete takes keys out as another program does.
func (s *Server) Delete(t testing.TB, keys ...string) {
	t.Helper()
	s.do(t, func(ctx context.Context, admin *clientv3.Client) error {
		for _, key := range keys {
			if _, err := admin.Delete(ctx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// do leaves nothing of the client behind.
func (s *Server) do(t testing.TB, f func(context.Context, *clientv3.Client) error) {
	t.Helper()
	admin, err := clientv3.New(s.admin)
	if err == nil {
		defer admin.Close()
		err = f(t.Context(), admin)
	}
	if err != nil {
		t.Fatal(err)
	}
}
