package fleettest

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/headgate/headgate/cmd/headgate/inbound/inboundtest"
)

// Secure is an etcd that wants TLS with a certificate of the client, and to know who it is.
type Secure struct {
	*Server
	Authority *inboundtest.Authority
	Folder    string // with ca.pem, client.pem and client.key
}

// Name is the host name in the certificate of a Secure server.
const Name = "etcd.test"

// Users of a Secure server, by role, and their password: one may read the keys, the other may write them too.
const (
	Gateway  = "gateway"
	Operator = "operator"
	Password = "open sesame"
)

// root is the user that etcd cannot do without.
const root = "root"

// NewSecure starts one, which ends with the test. Its users may use the keys under prefix.
func NewSecure(t testing.TB, prefix string) *Secure {
	t.Helper()
	s := &Secure{Authority: inboundtest.NewAuthority(t, "etcd"), Folder: t.TempDir()}
	file := func(name string, text []byte) string {
		path := filepath.Join(s.Folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := s.Authority.Issue(t, Name, 2)
	authority := file("ca.pem", s.Authority.PEM)
	s.Server = prepare(t, "https://"+FreeAddress(t), "--enable-grpc-gateway=false", "--client-cert-auth", "--trusted-ca-file", authority,
		"--cert-file", file("server.pem", cert), "--key-file", file("server.key", key))
	cert, key = s.Authority.Issue(t, "client", 3)
	file("client.pem", cert)
	file("client.key", key)
	s.admin.TLS = s.TLS(t)
	s.admin.DialOptions = []grpc.DialOption{grpc.WithAuthority(Name)}
	s.Start(t)
	s.enableUsers(t, prefix)
	return s
}

// TLS is the configuration of a client that may connect.
func (s *Secure) TLS(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.Folder, "client.pem"), filepath.Join(s.Folder, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{RootCAs: s.Authority.Pool, Certificates: []tls.Certificate{pair}, ServerName: Name}
}

// enableUsers makes the users, and has etcd ask for them from now on.
func (s *Secure) enableUsers(t testing.TB, prefix string) {
	t.Helper()
	s.do(t, func(ctx context.Context, admin *clientv3.Client) error {
		end := clientv3.GetPrefixRangeEnd(prefix)
		var all []error
		done := func(_ any, err error) { all = append(all, err) }
		for user, permission := range map[string]clientv3.PermissionType{
			root: clientv3.PermissionType(clientv3.PermReadWrite), Gateway: clientv3.PermissionType(clientv3.PermRead),
			Operator: clientv3.PermissionType(clientv3.PermReadWrite),
		} {
			done(admin.UserAdd(ctx, user, Password))
			done(admin.RoleAdd(ctx, user))
			done(admin.RoleGrantPermission(ctx, user, prefix, end, permission))
			done(admin.UserGrantRole(ctx, user, user))
		}
		done(admin.AuthEnable(ctx))
		return errors.Join(all...)
	})
	s.admin.Username, s.admin.Password = root, Password
}

// SetPassword gives a user another password.
func (s *Secure) SetPassword(t testing.TB, user, password string) {
	t.Helper()
	s.do(t, func(ctx context.Context, admin *clientv3.Client) error {
		_, err := admin.UserChangePassword(ctx, user, password)
		return err
	})
}
