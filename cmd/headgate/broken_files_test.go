package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/headgate/cmd/headgate/watch"
)

// namedFiles are files that a configuration names, in a folder of their own.
type namedFiles struct {
	t   *testing.T
	dir string
}

func (f namedFiles) path(name string) string { return filepath.Join(f.dir, name) }

// put writes a file in one step.
func (f namedFiles) put(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name+".next"), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path(name+".next"), f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f namedFiles) remove(name string) {
	f.t.Helper()
	if err := os.Remove(f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// ofFile is a [[tenants]] table whose secret is in a file.
func (f namedFiles) ofFile(user, key, name string) string {
	text := fmt.Sprintf("[[tenants]]\nid = \"team-%s\"\n%s = %q\n", user, key, f.path(name))
	if key == "password_file" {
		text += fmt.Sprintf("username = %q\n", user)
	}
	return text
}

// A file that is away, or broken, keeps what it held. Whatever changes in other files meanwhile is in force all the same,
// revocations above all, and who is unknown is told to come again.
func TestABrokenFileHoldsBackOnlyItself(t *testing.T) {
	f := namedFiles{t, t.TempDir()}
	f.put("one", "one")
	f.put("two", "two")
	f.put("jwt", tokenSecret)
	f.put("revoked", "")
	g := startFolder(t, fmt.Sprintf("[auth.jwt]\nsecret_file = %q\nrevoked_ids_file = %q\n", f.path("jwt"), f.path("revoked"))+
		f.ofFile("a", "password_file", "one")+f.ofFile("b", "password_file", "two"), nobodyYet)
	token := strings.TrimPrefix(signedBy(t, jwt.SigningMethodHS256, []byte(tokenSecret), jwt.MapClaims{
		"tenant_id": "team-j", "jti": "stolen", "exp": time.Now().Add(time.Hour).Unix(),
	}), "Authorization: Bearer ")
	if g.status(t, "a", "one") != 200 || g.status(t, "b", "two") != 200 || g.tokenStatus(t, token) != 200 {
		t.Fatal("the files are not in force")
	}
	stop := g.pushing(t, "b", "two")
	for what, breaks := range map[string]func(name string){
		"tenants[1].password_file": func(string) { f.remove("two") },
		"auth.jwt.secret_file":     func(string) { f.put("jwt", "short") },
	} {
		breaks(what)
		f.put("one", "new")
		f.put("revoked", "stolen\n")
		g.becomes(t, "a", "new", 200)
		eventually(t, "the token is taken back", func() bool { return g.tokenStatus(t, token) != 200 })
		g.becomes(t, "nobody", "x", 503)
		if g.status(t, "a", "one") != 503 {
			t.Error("a password that went is not in doubt")
		}
		eventually(t, "/ready says so", func() bool {
			text := g.ready(t)
			return strings.Contains(text, "source configuration file: error: "+what) && strings.Contains(text, "what it held before is: error: "+what)
		})
		eventually(t, "metrics say so", func() bool {
			return g.metric(t, `headgate_source_up{source="configuration file"} 0`) && g.metric(t, "headgate_config_last_reload_successful 0")
		})
		eventually(t, "the log says so", func() bool {
			log := g.log.String()
			return strings.Contains(log, "changed files not used, what they held before stays") && strings.Contains(log, what)
		})
		f.put("two", "two")
		f.put("jwt", tokenSecret)
		g.becomes(t, "nobody", "x", 401)
		if g.tokenStatus(t, token) != 401 || g.status(t, "a", "new") != 200 || g.status(t, "a", "one") != 401 {
			t.Error("what came into force meanwhile is not any more")
		}
		eventually(t, "all is well", func() bool {
			return !strings.Contains(g.ready(t), "error") && g.metric(t, "headgate_config_last_reload_successful 1")
		})
		f.put("one", "one")
		f.put("revoked", "")
		g.becomes(t, "a", "one", 200)
		eventually(t, "the token is good again", func() bool { return g.tokenStatus(t, token) == 200 })
	}
	stop()
}

// A secret that is somebody else's keeps the one that the file held before.
func TestASecretInConflictHoldsBackOnlyItself(t *testing.T) {
	f := namedFiles{t, t.TempDir()}
	f.put("one", "one")
	f.put("token", "token-number-one-0123")
	g := startFolder(t, f.ofFile("a", "password_file", "one")+f.ofFile("t", "token_file", "token"), map[string]string{
		"a.toml": "[[tenants]]\nid = \"team-x\"\ntoken = \"token-of-the-folder-1\"\n",
	})
	f.put("token", "token-of-the-folder-1")
	f.put("one", "two")
	g.becomes(t, "a", "two", 200)
	eventually(t, "/ready says so", func() bool {
		return strings.Contains(g.ready(t), "source configuration file: error: tenants[1]: the same credential is at a.toml: tenants[0]")
	})
	if g.tokenStatus(t, "token-number-one-0123") != 200 || g.tokenStatus(t, "token-of-the-folder-1") != 200 {
		t.Error("one of the two is refused")
	}
	f.put("token", "token-number-two-0123")
	g.tokenBecomes(t, "token-number-two-0123", 200)
	g.becomes(t, "nobody", "x", 401)
}

// Certificates are no source of credentials: nobody is in doubt because of one, and it holds nothing else back.
func TestABrokenCertificateHoldsBackOnlyItself(t *testing.T) {
	files, f := newCertified(t), namedFiles{t, t.TempDir()}
	f.put("one", "one")
	r := start(t, withTLS(files.table(`listen = ["127.0.0.1:0"]`), everything(newUpstream(t).URL)+f.ofFile("a", "password_file", "one")))
	g := &folderGate{running: r, client: newClient(t)}
	files.put("key.pem", []byte("garbage"))
	f.put("one", "two")
	g.becomes(t, "a", "two", 200)
	eventually(t, "/ready says so", func() bool { return strings.Contains(g.ready(t), "what it held before is: error: server.tls") })
	eventually(t, "a metric says so", func() bool { return g.metric(t, "headgate_certificate_last_reload_successful 0") })
	if g.status(t, "nobody", "x") != 401 || files.serial(r.Addrs()[1].String()) != 101 {
		t.Error("who is unknown is in doubt, or the certificate is gone")
	}
}

// Half of a secret is never in force while the rest may still come, neither by itself nor by a reload.
func TestHalfASecretIsNotInForce(t *testing.T) {
	f := namedFiles{t, t.TempDir()}
	f.put("one", "one")
	g := &folderGate{client: newClient(t), running: start(t, gate(everything(newUpstream(t).URL)+f.ofFile("a", "password_file", "one")))}
	if g.status(t, "a", "one") != 200 { // so that it serves, and watches
		t.Fatal("the file is not in force")
	}
	for n := 0; ; n++ {
		half := fmt.Sprint("half-", n)
		f.put("one", half)
		written := watch.Look(f.path("one")).Modified()
		g.filesChanged()
		taken := g.status(t, "a", half) == 200
		if time.Since(written) < watch.Quiet { // or this machine was too slow to tell
			if taken {
				t.Error("half of a password is in force")
			}
			break
		}
	}
	f.put("one", "whole")
	written := watch.Look(f.path("one")).Modified()
	if problems := g.Reload(); problems != nil || time.Since(written) < watch.Quiet || g.status(t, "a", "whole") != 200 {
		t.Error("a reload did not wait for a file that was just written: ", problems)
	}
	f.remove("one")
	g.filesChanged()
	if text := g.ready(t); strings.Contains(text, "password_file") {
		t.Errorf("a file is away for a moment, and /ready says %s", text)
	}
}

// What is wrong with the configuration file stays wrong while the files that it names change.
func TestARefusedReloadStaysRefused(t *testing.T) {
	f := namedFiles{t, t.TempDir()}
	f.put("one", "one")
	g := startFolder(t, f.ofFile("a", "password_file", "one"), nobodyYet)
	g.refuseNewClient(t)
	f.put("one", "two")
	g.becomes(t, "a", "two", 200)
	if g.status(t, "new", "one") != 503 {
		t.Error("a client that is in the file is refused for good because another file changed")
	}
	eventually(t, "the file is named as used", func() bool { return strings.Count(g.log.String(), `"msg":"configuration in use"`) == 2 })
	if !g.metric(t, "headgate_config_last_reload_successful 0") {
		t.Error("no metric tells any more that the configuration file was refused")
	}
}
