package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcd is a real one of one member, Debian's, which a story may kill and start
// again.
type etcd struct {
	url       string
	prefix    string     // of the tenants
	authority *authority // nil: it speaks plain HTTP and asks nobody who he is
	args      []string
	root      bool // the users are made
	*process
}

// etcdAccess is how a gateway or an operator speaks to it, as [etcd] has it.
type etcdAccess struct {
	URL, Prefix, CacheFile    string
	User, PasswordFile        string // empty: etcd asks for none
	CAFile, CertFile, KeyFile string
}

// Users of an etcd with users. Each has a role of its name.
const (
	etcdRoot     = "root"
	etcdGateway  = "gateway"  // may read the tenants
	etcdOperator = "operator" // may write them
	etcdPassword = "of nobody but etcd"
)

// newEtcd prepares one, which start starts.
func newEtcd(t *testing.T, a *authority) *etcd {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		missing(t, "etcd is not in PATH; on Debian: apt-get install etcd-server")
	}
	scheme := "http"
	if a != nil {
		scheme = "https"
	}
	e := &etcd{url: fmt.Sprintf("%s://127.0.0.1:%d", scheme, freePort(t)), prefix: "/headgate/tenants/", authority: a}
	peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	e.args = []string{
		"--name", "one", "--data-dir", t.TempDir(), "--listen-client-urls", e.url, "--advertise-client-urls", e.url,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=" + peer,
		"--logger", "zap", "--log-outputs", "stderr", "--enable-grpc-gateway=false",
	}
	if a != nil {
		cert, key := a.issue(t, "etcd")
		e.args = append(e.args, "--client-cert-auth", "--trusted-ca-file", a.file("ca.pem"), "--cert-file", cert, "--key-file", key)
	}
	return e
}

// start starts it, again with what it knew before, and waits until it answers.
func (e *etcd) start(t *testing.T) {
	t.Helper()
	e.process = start(t, "etcd", "etcd", e.args...)
	e.do(t, func(ctx context.Context, client *clientv3.Client) error {
		_, err := client.Get(ctx, e.prefix)
		return err
	})
	if e.authority != nil && !e.root {
		e.makeUsers(t)
	}
}

// makeUsers makes a user that may read the tenants and one that may write them,
// and has etcd ask everybody who he is from now on.
func (e *etcd) makeUsers(t *testing.T) {
	t.Helper()
	e.do(t, func(ctx context.Context, client *clientv3.Client) error {
		var all []error
		done := func(_ any, err error) { all = append(all, err) }
		for user, permission := range map[string]clientv3.PermissionType{
			etcdRoot: clientv3.PermissionType(clientv3.PermReadWrite), etcdGateway: clientv3.PermissionType(clientv3.PermRead),
			etcdOperator: clientv3.PermissionType(clientv3.PermReadWrite),
		} {
			done(client.UserAdd(ctx, user, etcdPassword))
			done(client.RoleAdd(ctx, user))
			done(client.RoleGrantPermission(ctx, user, e.prefix, clientv3.GetPrefixRangeEnd(e.prefix), permission))
			done(client.UserGrantRole(ctx, user, user))
		}
		done(client.AuthEnable(ctx))
		return errors.Join(all...)
	})
	e.root = true
}

// do does something as root.
func (e *etcd) do(t *testing.T, f func(context.Context, *clientv3.Client) error) {
	t.Helper()
	config := clientv3.Config{Endpoints: []string{e.url}, DialTimeout: patience, Logger: zap.NewNop()}
	if e.authority != nil {
		cert, key := e.authority.issue(t, "admin")
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(e.authority.file("ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		config.TLS = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
	}
	if e.root {
		config.Username, config.Password = etcdRoot, etcdPassword
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := clientv3.New(config)
	if err == nil {
		defer client.Close()
		err = f(ctx, client)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// compact forgets all revisions but the last.
func (e *etcd) compact(t *testing.T) {
	t.Helper()
	e.do(t, func(ctx context.Context, client *clientv3.Client) error {
		now, err := client.Get(ctx, e.prefix)
		if err == nil {
			_, err = client.Compact(ctx, now.Header.Revision)
		}
		return err
	})
}

// access is how a user of it speaks to it. copy is where a gateway keeps its
// copy.
func (e *etcd) access(t *testing.T, user, copy string) *etcdAccess {
	t.Helper()
	a := &etcdAccess{URL: e.url, Prefix: e.prefix, CacheFile: copy}
	if e.authority == nil {
		return a
	}
	a.User, a.PasswordFile = user, passwordFile(t, etcdPassword)
	a.CAFile = e.authority.file("ca.pem")
	a.CertFile, a.KeyFile = e.authority.issue(t, user)
	return a
}

// operator is somebody with headgate tenants at hand.
type operator struct{ bin, config string }

// newOperator returns one of this etcd.
func newOperator(t *testing.T, e *etcd) operator {
	t.Helper()
	o := operator{bin: needHeadgate(t)}
	o.config = writeConfig(t, "headgate.toml", struct {
		gatewayOptions
		AdminPort int
		Tenants   []credential
	}{gatewayOptions{Upstreams: []string{"http://127.0.0.1:9"}, Etcd: e.access(t, etcdOperator, ""), Port: 1}, 2, nil})
	return o
}

// tenants runs one headgate tenants, and returns what it printed.
func (o operator) tenants(args ...string) (string, error) {
	out, err := exec.Command(o.bin, append(append([]string{"tenants"}, args...), "--config", o.config)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("headgate tenants %q: %w: %s", args, err, out)
	}
	return string(out), err
}

// must is tenants, whose failure is the test's.
func (o operator) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := o.tenants(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// copyFile is a place for a gateway's copy.
func copyFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "tenants")
}
