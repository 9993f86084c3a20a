package config

import (
	"crypto/tls"
	"slices"
)

// The values of client_auth and min_version, and what they mean to crypto/tls.
var (
	clientAuths = []string{"none", "optional", "required"}
	authTypes   = []tls.ClientAuthType{tls.NoClientCert, tls.VerifyClientCertIfGiven, tls.RequireAndVerifyClientCert}
	versions    = []string{"1.2", "1.3"}
	versionIDs  = []uint16{tls.VersionTLS12, tls.VersionTLS13}
)

// Enabled reports whether anything is to speak TLS.
func (t *ServerTLS) Enabled() bool { return t.CertFile != "" || t.KeyFile != "" || len(t.Listen) > 0 }

// TLSConfig is how clients are greeted: nil when nothing speaks TLS. With
// Options.NoFiles the certificates are not in it.
func (t *ServerTLS) TLSConfig() *tls.Config { return t.made }

// Plain are the addresses without TLS.
func (s *Server) Plain() Addresses {
	if s.TLS.Enabled() && len(s.TLS.Listen) == 0 {
		return nil
	}
	return s.Listen
}

// Secure are the addresses with TLS, and the key that they stand at.
func (s *Server) Secure() (key string, list Addresses) {
	switch {
	case len(s.TLS.Listen) > 0:
		return "server.tls.listen", s.TLS.Listen
	case s.TLS.Enabled():
		return "server.listen", s.Listen
	}
	return "", nil
}

func (c *Config) validateServerTLS(on *checks) {
	const key = "server.tls"
	t := &c.Server.TLS
	if !slices.Contains(clientAuths, t.ClientAuth) {
		on.errorf(key+".client_auth", "%s", notOneOf("client_auth", t.ClientAuth, clientAuths))
	}
	validateVersion(on, key+".min_version", t.MinVersion)
	if !t.Enabled() {
		if t.ClientCAFile != "" || t.ClientAuth != "none" {
			on.errorf(key, "says how clients show who they are, but nothing speaks TLS; want cert_file and key_file")
		}
		return
	}
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		on.errorf(key, "has no certificate; want cert_file and key_file")
	case t.CertFile == "" || t.KeyFile == "":
		on.errorf(key, "has one of cert_file and key_file; want both")
	}
	switch {
	case t.ClientAuth == "none" && t.ClientCAFile != "":
		on.errorf(key+".client_ca_file", `is there, but client_auth = "none" asks nobody for a certificate; want client_auth = "optional" or "required"`)
	case t.ClientAuth != "none" && t.ClientCAFile == "":
		on.errorf(key+".client_auth", "%s needs client_ca_file, the authorities that clients' certificates come from", show(t.ClientAuth))
	}
	t.readFiles(on, key)
}

// validateVersion explains itself for the two versions that many still write.
func validateVersion(on *checks, key, version string) {
	switch {
	case slices.Contains(versions, version):
	case version == "1.0" || version == "1.1":
		on.errorf(key, `%s is broken (RFC 8996) and not offered; want "1.2" or "1.3"`, show(version))
	default:
		on.errorf(key, `%s is not a version of TLS; want "1.2" or "1.3"`, show(version))
	}
}

// readFiles makes what clients are greeted with.
func (t *ServerTLS) readFiles(on *checks, key string) {
	t.made = &tls.Config{
		MinVersion: versionIDs[max(slices.Index(versions, t.MinVersion), 0)],
		NextProtos: []string{"http/1.1"},
		ClientAuth: authTypes[max(slices.Index(clientAuths, t.ClientAuth), 0)],
	}
	cert := on.content(key+".cert_file", t.CertFile)
	secret := on.content(key+".key_file", t.KeyFile)
	if pair, ok := on.pair(key, namedPair{t.CertFile, t.KeyFile}, cert, secret); ok {
		t.made.Certificates = []tls.Certificate{pair}
	}
	if ca := on.content(key+".client_ca_file", t.ClientCAFile); ca != nil {
		t.made.ClientCAs = on.authorities(key+".client_ca_file", t.ClientCAFile, ca)
	}
}
