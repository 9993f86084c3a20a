package fleet

import (
	"crypto/tls"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
	"github.com/headgate/headgate/cmd/headgate/inbound/inboundtest"
)

func keyValue(key, text string, revision int64) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: []byte(key), Value: []byte(text), ModRevision: revision}
}

// TestErrorsNameTheEtcdAndTheCause, with and without a user name, which is asked for at different moments.
func TestErrorsNameTheEtcdAndTheCause(t *testing.T) {
	t.Parallel()
	plain, secure := fleettest.New(t), fleettest.NewSecure(t, "/t/")
	stranger := secure.TLS(t)
	stranger.RootCAs = inboundtest.NewAuthority(t, "other").Pool
	nobody := secure.TLS(t)
	nobody.Certificates = nil
	for _, c := range []struct {
		name, endpoint string
		tls            *tls.Config
		user, password string
		want           string
	}{
		{"nobody there", "http://" + fleettest.FreeAddress(t), nil, "", "", "connection refused"},
		{"nobody there, for a user", "http://" + fleettest.FreeAddress(t), nil, "u", "p", "connection refused"},
		{"plain text to TLS", strings.Replace(secure.Endpoint, "https", "http", 1), nil, "", "", "etcd at http://127.0.0.1:"},
		{"TLS to plain text", strings.Replace(plain.Endpoint, "http", "https", 1), secure.TLS(t), "", "", "authentication handshake failed"},
		{"another authority", secure.Endpoint, stranger, "", "", "certificate signed by unknown authority"},
		{"no certificate", secure.Endpoint, nobody, "", "", "etcd at https://127.0.0.1:"},
		{"a wrong password", secure.Endpoint, secure.TLS(t), fleettest.Gateway, "wrong", "authentication failed"},
		{"not allowed to write", secure.Endpoint, secure.TLS(t), fleettest.Gateway, fleettest.Password, "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Options{Endpoints: []string{c.endpoint}, Prefix: "/t/", TLS: c.tls, Username: c.user, Password: c.password})
			if err == nil {
				defer s.Close()
				err = s.Put(t.Context(), Write{Key: "a", Text: "1"})
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.endpoint) || strings.Contains(err.Error(), "rpc error") {
				t.Errorf("got %v, want %q and the endpoint in it", err, c.want)
			}
		})
	}
}

// TestTheOperatorMayWrite, with TLS, a certificate and a user name.
func TestTheOperatorMayWrite(t *testing.T) {
	t.Parallel()
	etcd := fleettest.NewSecure(t, "/t/")
	o := under(etcd.Server)
	o.TLS, o.Username, o.Password = etcd.TLS(t), fleettest.Operator, fleettest.Password
	s := open(t, o)
	if err := s.Put(t.Context(), Write{Key: "a", Text: "1"}); err != nil {
		t.Fatal(err)
	}
	v, err := s.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a", v.Revision); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), Write{Key: "a", Text: "1", Revision: v.Revision + 1}); err != nil {
		t.Error(err)
	}
}
