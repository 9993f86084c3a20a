package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificates writes gate.key and certificates for it: gate.crt is good, ended.crt, ending.crt and coming.crt are
// not, or not for long; other.key is that of none of them.
func writeCertificates(t *testing.T, dir string) {
	t.Helper()
	key := newKey(t)
	writePEM(t, filepath.Join(dir, "gate.key"), "PRIVATE KEY", marshalKey(t, key))
	writePEM(t, filepath.Join(dir, "other.key"), "PRIVATE KEY", marshalKey(t, newKey(t)))
	const day = 24 * time.Hour
	for name, lives := range map[string]struct{ from, to time.Duration }{
		"gate.crt":   {-day, 365 * day},
		"ended.crt":  {-30 * day, -day},
		"ending.crt": {-30 * day, 13 * day},
		"coming.crt": {day, 30 * day},
	} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
			NotBefore: today.Add(lives.from), NotAfter: today.Add(lives.to),
		}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, filepath.Join(dir, name), "CERTIFICATE", cert)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func marshalKey(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A key that others can read is a warning wherever it is for.
func TestReadableKeysAreWarnings(t *testing.T) {
	dir := t.TempDir()
	writeCertificates(t, dir)
	if err := os.Chmod(filepath.Join(dir, "gate.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"[server]\nlisten = \":8443\"\n[server.tls]\ncert_file = \"gate.crt\"\nkey_file = \"gate.key\"\n": "server.tls.key_file",
		"[upstreams.all]\nurl = \"https://cortex.example\"\n" +
			"[upstreams.all.tls]\ncert_file = \"gate.crt\"\nkey_file = \"gate.key\"\n": "upstreams.all.tls.key_file",
	} {
		_, problems := Parse(filepath.Join(dir, "config.toml"), []byte(text), goldenOptions())
		found := false
		for _, p := range problems {
			found = found || p.Key == want && p.Level == Warning
		}
		if !found {
			t.Errorf("%v, want a warning for %s", problems, want)
		}
	}
}

func TestPathsAndMeaningOfServerTLS(t *testing.T) {
	dir := t.TempDir()
	writeCertificates(t, dir)
	c, problems := Parse(filepath.Join(dir, "config.toml"), []byte(`
[server]
listen = [":8080", ":8443"]
[server.tls]
cert_file = "gate.crt"
key_file = "gate.key"
client_ca_file = "gate.crt"
client_auth = "required"
min_version = "1.3"
`), goldenOptions())
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	s := &c.Server
	want := TLSPaths{filepath.Join(dir, "gate.crt"), filepath.Join(dir, "gate.key"), filepath.Join(dir, "gate.crt")}
	if s.TLS.Paths() != want || s.TLS.Version() != 0x0304 || s.TLS.ClientAuthType() != 4 {
		t.Errorf("%+v, version %x, %v", s.TLS.Paths(), s.TLS.Version(), s.TLS.ClientAuthType())
	}
	if key, secure := s.Secure(); len(s.Plain()) != 0 || len(secure) != 2 || key != "server.listen" {
		t.Errorf("plain %q, with TLS %q of %s", s.Plain(), secure, key)
	}
	// The listeners look after these files themselves.
	if files := c.Files(); len(files) != 0 {
		t.Errorf("files %v", files)
	}
}

func TestFilesThatChange(t *testing.T) {
	dir := t.TempDir()
	writeCertificates(t, dir)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.secret", "one")
	write("b.secret", "two")
	c, problems := Parse(filepath.Join(dir, "config.toml"), []byte(`
[upstreams.all]
url = "https://cortex.example"
[upstreams.all.tls]
ca_file = "gate.crt"
[upstreams.ruler]
url = "https://ruler.example"
[upstreams.ruler.tls]
ca_file = "gate.crt"
[[tenants]]
id = "a"
username = "a"
password_file = "a.secret"
[[tenants]]
id = "b"
username = "b"
password_file = "b.secret"
`), goldenOptions())
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	if files := c.Files(); len(files) != 3 {
		t.Errorf("files %v, want three", files)
	}
	if changed := c.ChangedFiles(); changed != nil {
		t.Errorf("%q changed before anything did", changed)
	}
	write("a.secret", "three")
	if err := os.Remove(filepath.Join(dir, "gate.crt")); err != nil {
		t.Fatal(err)
	}
	if changed := c.ChangedFiles(); len(changed) != 2 || changed[0] != filepath.Join(dir, "a.secret") || changed[1] != filepath.Join(dir, "gate.crt") {
		t.Errorf("%q changed", changed)
	}
	write("a.secret", "one")
	if changed := c.ChangedFiles(); len(changed) != 1 {
		t.Errorf("%q changed, want the one that has gone", changed)
	}
}
