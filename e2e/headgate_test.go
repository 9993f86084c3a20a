package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Passwords of the tests. They contain what is special in a URL, in an
// Authorization header (a colon) and in YAML, because real ones do.
const (
	passwordA = "s3cret:of/A @home?"
	passwordB = "päss#wörd & {B}"
)

// credential is one [[tenants]] entry: the key is the name of the secret's
// key, the value what stands there.
type credential struct {
	Tenant, User string
	Key, Value   string
	Scopes       string // one scope, or empty for the default
	Names        string // the tenants that it may name, reading and writing, as TOML; empty: none
}

// gateway is a running headgate with the credentials that all stories share.
type gateway struct {
	*process
	host   string // address and port of the listener
	url    string
	admin  string // URL of the admin listener
	config string
	socket *passedSocket // nil: none is passed
}

// gatewayOptions are the settings that differ between stories.
type gatewayOptions struct {
	Upstreams   []string      // urls of [upstreams.all]
	DNS         string        // address of the DNS server; empty: the system's
	Federation  bool          // Cortex has tenant federation on
	DrainDelay  string        // empty: none
	IdleTimeout string        // of [upstreams.all]; empty: the default
	LogLevel    string        // empty: debug
	Probes      string        // path that hosts are asked for, quickly; empty: there are no probes
	TenantsDir  string        // auth.tenants_dir; empty: the credentials stand in the configuration
	Traces      string        // URL that takes spans over OTLP/HTTP; empty: there are none
	Socket      *passedSocket // the gateway is given this one; nil: it opens its own
	Address     string        // of loopback, where it listens; empty: 127.0.0.1
	Port        int           // 0: a free one
	Etcd        *etcdAccess   // where the credentials are; nil: not there
}

// startHeadgate runs the gateway and waits until it serves. When the test ends
// it is told to stop, and must do so with exit status 0.
func startHeadgate(t *testing.T, o gatewayOptions) *gateway {
	t.Helper()
	g := newGateway(t, o)
	g.run(t)
	t.Cleanup(func() { g.endWell(t) })
	return g
}

// newGateway writes the configuration of a gateway that run then starts, as
// often as a story restarts it: always at the same addresses.
func newGateway(t *testing.T, o gatewayOptions) *gateway {
	t.Helper()
	needHeadgate(t)
	adminPort := freePort(t)
	o.Address = cmp.Or(o.Address, "127.0.0.1")
	switch {
	case o.Socket != nil:
		o.Port = o.Socket.port
	case o.Port == 0:
		o.Port = freePort(t)
	}
	g := &gateway{
		socket: o.Socket,
		host:   fmt.Sprintf("%s:%d", o.Address, o.Port),
		url:    fmt.Sprintf("http://%s:%d", o.Address, o.Port),
		admin:  fmt.Sprintf("http://127.0.0.1:%d", adminPort),
	}
	var tenants []credential
	if o.TenantsDir == "" && o.Etcd == nil {
		tenants = credentials(t)
	}
	g.config = writeConfig(t, "headgate.toml", struct {
		gatewayOptions
		AdminPort int
		Tenants   []credential
	}{o, adminPort, tenants})
	return g
}

// run starts the gateway and waits until it serves. Whoever calls it ends what
// ran before.
func (g *gateway) run(t *testing.T) {
	t.Helper()
	cmd := exec.Command(needHeadgate(t), "run", "--config", g.config)
	if g.socket != nil {
		cmd = g.socket.pass(cmd)
	}
	g.process = startCommand(t, "headgate", cmd)
	g.awaitReady(t, g.admin+"/ready")
}

// credentials are two tenants, each with a client that writes and one that
// reads, and every way to give a password.
func credentials(t *testing.T) []credential {
	t.Helper()
	// The cost that htpasswd -B has by default. headgate spends a bounded share of
	// a processor on passwords it does not know yet, and with a higher cost a slow
	// machine would be told to wait where these tests want a refusal.
	hash, err := bcrypt.GenerateFromPassword([]byte(passwordB), 5)
	if err != nil {
		t.Fatal(err)
	}
	return []credential{
		{Tenant: "team-a", User: "prometheus-a", Key: "password", Value: passwordA},
		{Tenant: "team-a", User: "reader-a", Key: "password_file", Value: passwordFile(t, passwordA)},
		{Tenant: "team-b", User: "prometheus-b", Key: "password_hash", Value: string(hash)},
		{Tenant: "team-b", User: "reader-b", Key: "password", Value: passwordB},
		{Tenant: "team-b", User: "push-only", Key: "password", Value: passwordB, Scopes: "write"},
		{Tenant: "team-a", User: "both", Key: "password", Value: passwordA, Names: `"team-a", "team-b"`},
	}
}

// passwordFile writes a password to a file, with the newline that editors leave,
// and returns its path.
func passwordFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// as returns a caller with one of the credentials.
func (g *gateway) as(user string) caller {
	password := passwordB
	if user == "prometheus-a" || user == "reader-a" || user == "both" {
		password = passwordA
	}
	return caller{url: g.url, user: user, password: password}
}

// reader returns the caller that reads as a tenant.
func (g *gateway) reader(tenant string) caller {
	return g.as(map[string]string{"team-a": "reader-a", "team-b": "reader-b"}[tenant])
}

// endWell ends the gateway and fails the test if it was not a good end.
func (g *gateway) endWell(t *testing.T) {
	t.Helper()
	if g.ended() {
		t.Errorf("headgate ended by itself: %s", g.cmd.ProcessState)
		return
	}
	eventually(t, "headgate has no request under way", func() error {
		said, err := readMetrics(g.admin + "/metrics")
		if err != nil {
			return err
		}
		if n := said.sum("headgate_panics_total"); n != 0 {
			t.Errorf("headgate counts %v panics", n)
		}
		if n := said.sum("headgate_in_flight_requests"); n != 0 {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})
	g.end(t)
	if code := g.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("headgate ended with %s, want exit status 0", g.cmd.ProcessState)
	}
	log, err := os.ReadFile(g.log)
	if err != nil {
		t.Error(err)
	}
	for _, secret := range []string{passwordA, passwordB} {
		if bytes.Contains(log, []byte(secret)) {
			t.Errorf("headgate's log contains the password %q", secret)
		}
	}
	if bytes.Contains(log, []byte("panic")) {
		t.Error("headgate's log contains a panic")
	}
}
