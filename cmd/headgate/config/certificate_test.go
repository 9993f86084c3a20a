package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
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

func TestMeaningOfServerTLS(t *testing.T) {
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
	made := s.TLS.TLSConfig()
	if made.MinVersion != tls.VersionTLS13 || made.ClientAuth != tls.RequireAndVerifyClientCert || made.ClientCAs == nil || len(made.Certificates) != 1 {
		t.Errorf("clients are greeted with %+v", made)
	}
	if key, secure := s.Secure(); len(s.Plain()) != 0 || len(secure) != 2 || key != "server.listen" {
		t.Errorf("plain %q, with TLS %q of %s", s.Plain(), secure, key)
	}
	if files := c.Files(); len(files) != 2 || files[0].Path != filepath.Join(dir, "gate.crt") || files[1].Path != filepath.Join(dir, "gate.key") {
		t.Errorf("%d files", len(files))
	}
}
