package config

import (
	"bytes"
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
	"slices"
	"strings"
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
	writeText(t, path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
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

// TestADamagedPEMFileIsAnError: what can be read of it would pass for all that there is.
func TestADamagedPEMFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	writeCertificates(t, dir)
	good, err := os.ReadFile(filepath.Join(dir, "gate.crt"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }
	decoded, _ := pem.Decode(good)
	const (
		isDamaged = "the PEM block at line "
		notWhole  = "certificate 2 is damaged; want it whole"
		refused   = "certificate 2 counts for nothing"
	)
	texts := []struct {
		name                  string
		text                  []byte
		authority, chain, key string // what is said of it
	}{
		{"two", slices.Concat(good, good), "", "", ""},
		{"cut short", slices.Concat(good, good[:len(good)/2]), isDamaged, isDamaged, isDamaged},
		{"another character", slices.Concat(bytes.Replace(good, []byte("M"), []byte("?"), 1), good), isDamaged, isDamaged, isDamaged},
		{"a line is missing", slices.Concat(good, block(decoded.Bytes[:len(decoded.Bytes)-48])), notWhole, "", "x509: "},
		{"something behind it", slices.Concat(good, block(slices.Concat(decoded.Bytes, decoded.Bytes))), notWhole, "", "x509: "},
		{"no certificate to Go", slices.Concat(good, block([]byte{0x30, 3, 2, 1, 5})), refused, "", "x509: "},
	}
	for _, text := range texts {
		writeText(t, filepath.Join(dir, "file.pem"), text.text)
		for _, place := range []struct{ key, lines, want string }{
			{"server.tls.client_ca_file", "[server.tls]\ncert_file = \"gate.crt\"\nkey_file = \"gate.key\"\nclient_auth = \"optional\"\nclient_ca_file = \"file.pem\"", text.authority},
			{"upstreams.all.tls.ca_file", "[upstreams.all.tls]\nca_file = \"file.pem\"", text.authority},
			{"auth.jwt.jwks_ca_file", "[auth.jwt]\njwks_url = \"https://login.example/keys\"\njwks_ca_file = \"file.pem\"", text.authority},
			{"auth.jwt.public_key_files[0]", "[auth.jwt]\npublic_key_files = [\"file.pem\"]", text.key},
			{"server.tls.cert_file", "[server.tls]\ncert_file = \"file.pem\"\nkey_file = \"gate.key\"", text.chain},
		} {
			_, problems := Parse(filepath.Join(dir, "config.toml"), []byte("[server]\nlisten = \":8443\"\n[upstreams.all]\nurl = \"https://cortex.example\"\n"+place.lines+"\n"), goldenOptions())
			level := Error
			if place.want == refused {
				level = Warning
			}
			said := slices.ContainsFunc(problems, func(p Problem) bool {
				return p.Key == place.key && p.Level == level && strings.Contains(p.Text, place.want)
			})
			if said != (place.want != "") || place.want == "" && problems.Errors() > 0 {
				t.Errorf("%s, %s: %v, want %q", text.name, place.key, problems, place.want)
			}
		}
	}
}

func writeText(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
