package rivals

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/scenario"
	"github.com/headgate/headgate/bench/upstream"
)

func setting(t *testing.T, tenants int, auth scenario.Auth, secure bool) Setting {
	t.Helper()
	list, err := Tenants(tenants, auth)
	if err != nil {
		t.Fatal(err)
	}
	s := Setting{
		Dir: t.TempDir(), Listen: netip.MustParseAddrPort("127.0.0.1:8000"), Admin: netip.MustParseAddrPort("127.0.0.1:8001"),
		Upstream: netip.MustParseAddrPort("127.0.0.1:9000"), Tenants: list, Connections: 64, OpenFiles: 4096,
	}
	if secure {
		if s.Certificate, err = NewCertificate(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestEveryVariantRendersEveryScenarioThatFits(t *testing.T) {
	for _, v := range Variants() {
		for _, sc := range scenario.All() {
			if fits, why := v.Fits(sc); !fits {
				if why == "" {
					t.Errorf("%s does not fit %s, without a reason", v.Name, sc.Name)
				}
				continue
			}
			s := setting(t, min(sc.Tenants, 20), sc.Auth, sc.TLS)
			if _, err := v.Render(s); err != nil {
				t.Errorf("%s, %s: %v", v.Name, sc.Name, err)
			}
			last := s.Tenants[len(s.Tenants)-1]
			if found := grep(t, s.Dir, last.ID); !found {
				t.Errorf("%s, %s: no file holds the tenant", v.Name, sc.Name)
			}
			if sc.Auth == scenario.Bcrypt && !grep(t, s.Dir, last.Hash) {
				t.Errorf("%s, %s: no file holds the hash", v.Name, sc.Name)
			}
		}
	}
}

func grep(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || strings.Contains(string(content), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRenderedValues(t *testing.T) {
	for _, test := range []struct {
		variant, file string
		secure        bool
		want, wantNot []string
	}{
		{"headgate", "headgate.toml", false, []string{`listen = "127.0.0.1:8000"`, `url = "http://127.0.0.1:9000"`}, []string{"max_connections", "tls"}},
		{"headgate-wide", "headgate.toml", false, []string{"max_connections = 10000"}, nil},
		{"headgate", "headgate.toml", true, []string{"[server.tls]", "cert_file"}, nil},
		{"nginx", "nginx.conf", false, []string{"/htpasswd;", "listen 127.0.0.1:8000 backlog=65535;"}, []string{"64k", "ssl_", "users/"}},
		{"nginx-64k", "nginx.conf", true, []string{"/users/$credential;", "client_body_buffer_size 64k;", "ssl_certificate_key"}, []string{"/htpasswd;"}},
		{"nginx-1m", "nginx.conf", false, []string{"client_body_buffer_size 1m;"}, []string{"proxy_request_buffering off"}},
		{"haproxy", "haproxy.cfg", false, []string{"/credentials.map"}, []string{"tune.", "splice", "userlist"}},
		{"haproxy-64k", "haproxy.cfg", true, []string{"tune.bufsize 65536", "ssl crt"}, nil},
		{"haproxy-splice", "haproxy.cfg", false, []string{"option splice-request", "tune.pipesize"}, []string{"tune.bufsize"}},
		{"haproxy-userlist", "haproxy.cfg", false, []string{"insecure-password", "http_auth(tenants)"}, []string{"credentials.map"}},
		{"vmauth", "vmauth.yml", false, []string{`"X-Scope-OrgID: team-000002"`}, nil},
	} {
		selected, err := Select(test.variant)
		if err != nil {
			t.Fatal(err)
		}
		s := setting(t, 2, scenario.Plain, test.secure)
		if _, err := selected[0].Render(s); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(s.Dir, test.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !strings.Contains(string(content), want) {
				t.Errorf("%s: %q is missing in\n%s", test.variant, want, content)
			}
		}
		for _, not := range test.wantNot {
			if strings.Contains(string(content), not) {
				t.Errorf("%s: %q is in\n%s", test.variant, not, content)
			}
		}
	}
}

func TestTenants(t *testing.T) {
	list, err := Tenants(3, scenario.Bcrypt)
	if err != nil {
		t.Fatal(err)
	}
	last := list[2]
	if last.ID != "team-000003" || last.User != "prometheus-000003" || last.Password == list[1].Password {
		t.Errorf("the third is %+v", last)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(last.Hash), []byte(last.Password)); err != nil {
		t.Error(err)
	}
}

func TestSelect(t *testing.T) {
	selected, err := Select("nginx*,headgate")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range selected {
		got = append(got, v.Name)
	}
	if want := "headgate nginx nginx-64k nginx-1m"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if _, err := Select("apache"); err == nil {
		t.Error("apache: no error")
	}
}

func TestCheckHead(t *testing.T) {
	for _, test := range []struct {
		head string
		good bool
	}{
		{"GET / HTTP/1.1\r\nx-scope-orgid: a\r\n", true},
		{"GET / HTTP/1.1\r\nX-Scope-OrgID: a\r\nAuthorization:\r\n", true},
		{"GET / HTTP/1.1\r\nX-Scope-OrgID: a\r\nAuthorization: Basic eDp5\r\n", false},
		{"GET / HTTP/1.1\r\nX-Scope-OrgID: b\r\n", false},
		{"GET / HTTP/1.1\r\nX-Scope-OrgID: a\r\nX-Scope-OrgID: a\r\n", false},
		{"GET / HTTP/1.1\r\n", false},
	} {
		if err := checkHead(test.head, "a"); (err == nil) != test.good {
			t.Errorf("%q: %v", test.head, err)
		}
	}
}

// TestInstalledRivalsDoTheWork starts each rival that is installed, as a run does, before the stand-in upstream.
func TestInstalledRivalsDoTheWork(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("taskset is not installed")
	}
	target, err := upstream.Start()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Variants() {
		if v.Proxy == Headgate {
			continue // A program of another module, which is built and tested there.
		}
		for _, test := range []struct {
			name    string
			tenants int
			secure  bool
		}{{"one tenant", 1, false}, {"many tenants", 50, false}, {"TLS", 1, true}} {
			t.Run(v.Name+" "+test.name, func(t *testing.T) {
				program, err := Program(v.Proxy, "")
				if err != nil {
					t.Skip(err)
				}
				s := setting(t, test.tenants, scenario.Plain, test.secure)
				s.Upstream = target
				running, err := Start(context.Background(), program, v, s, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer running.Stop()
				if err := running.Check(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
