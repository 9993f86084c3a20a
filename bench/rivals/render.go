package rivals

import (
	"bytes"
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "*.tmpl"))

// Setting is what a proxy is configured with. All proxies of a scenario get the same one but for the addresses.
type Setting struct {
	Dir         string         // of the proxy alone; it exists
	Listen      netip.AddrPort // for the load
	Admin       netip.AddrPort // for headgate's metrics
	Upstream    netip.AddrPort
	Tenants     []Tenant
	Certificate *Certificate // nil: plain HTTP
	Connections int          // that the load opens
	OpenFiles   int          // the limit of the process
	Extra       string       // headgate: what stands below the tenants in its configuration
}

// values are what the templates see.
type values struct {
	Setting
	TLS                           bool
	CertFile, KeyFile             string
	CombinedFile                  string // certificate and key in one
	Buffers                       string
	Splice, Userlist, FilePerUser bool
	UpstreamConnections           int // headgate; 0: its default
	ClientConnections             int // headgate; 0: its default
	Files, Keep, MaxConn          int
	Root                          bool
}

// Render writes the files that a variant needs into the setting's folder and returns the arguments of its program.
func (v Variant) Render(s Setting) ([]string, error) {
	seen := values{
		Setting: s, Buffers: v.buffers, Splice: v.splice, Userlist: v.userlist,
		FilePerUser: v.filePerUser && len(s.Tenants) > 1,
		Files:       s.OpenFiles, Keep: s.Connections + 64, Root: os.Geteuid() == 0,
		// HAProxy wants two descriptors for each connection, and some for itself.
		MaxConn: min(s.Connections+1000, s.OpenFiles/2-100),
	}
	if 2*s.Connections > s.OpenFiles-1000 {
		// By default half of the files are for clients, and the longest idle connection ends where that is not enough.
		seen.ClientConnections = s.Connections + 1000
	}
	if v.wide {
		seen.UpstreamConnections = 10_000
	}
	if s.Certificate != nil {
		seen.TLS = true
		var err error
		if seen.CertFile, seen.KeyFile, seen.CombinedFile, err = s.Certificate.write(s.Dir); err != nil {
			return nil, err
		}
	}
	switch v.Proxy {
	case Headgate:
		name, err := seen.write("headgate.toml")
		return []string{"run", "--config", name}, err
	case HAProxy:
		if err := writeHAProxyMaps(s); err != nil {
			return nil, err
		}
		name, err := seen.write("haproxy.cfg")
		return []string{"-db", "-f", name}, err
	case Nginx:
		if err := writeNginxUsers(s, seen.FilePerUser); err != nil {
			return nil, err
		}
		name, err := seen.write("nginx.conf")
		return []string{"-c", name, "-p", s.Dir, "-e", filepath.Join(s.Dir, "error.log")}, err
	case VMAuth:
		name, err := seen.write("vmauth.yml")
		arguments := []string{
			"-auth.config=" + name, "-httpListenAddr=" + s.Listen.String(), "-loggerLevel=ERROR",
			fmt.Sprintf("-maxIdleConnsPerBackend=%d", s.Connections+64),
		}
		if seen.TLS {
			arguments = append(arguments, "-tls", "-tlsCertFile="+seen.CertFile, "-tlsKeyFile="+seen.KeyFile)
		}
		return arguments, err
	default:
		return nil, fmt.Errorf("no template for %s", v.Proxy)
	}
}

// write renders the template of a file into the folder, readable by the owner only, since it holds passwords.
func (seen values) write(name string) (string, error) {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name+".tmpl", seen); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return seen.file(name, text.Bytes())
}

func (s Setting) file(name string, content []byte) (string, error) {
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", fmt.Errorf("configure: %w", err)
	}
	return path, nil
}

// writeHAProxyMaps writes from credentials, base64 as in the header, to tenants, and from users to tenants.
func writeHAProxyMaps(s Setting) error {
	var credentials, users strings.Builder
	for _, t := range s.Tenants {
		fmt.Fprintf(&credentials, "%s %s\n", strings.TrimPrefix(t.Authorization(), "Basic "), t.ID)
		fmt.Fprintf(&users, "%s %s\n", t.User, t.ID)
	}
	if _, err := s.file("credentials.map", []byte(credentials.String())); err != nil {
		return err
	}
	_, err := s.file("tenants.map", []byte(users.String()))
	return err
}

// writeNginxUsers writes the map from users to tenants, and the passwords: all in one file, or a file for each user.
func writeNginxUsers(s Setting, filePerUser bool) error {
	var tenants, passwords strings.Builder
	folder := filepath.Join(s.Dir, "users")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("configure nginx: %w", err)
	}
	for _, t := range s.Tenants {
		fmt.Fprintf(&tenants, "%s %s;\n", t.User, t.ID)
		password := t.Hash
		if password == "" {
			password = "{PLAIN}" + t.Password
		}
		line := t.User + ":" + password + "\n"
		if filePerUser {
			if err := os.WriteFile(filepath.Join(folder, t.User), []byte(line), 0o600); err != nil {
				return fmt.Errorf("configure nginx: %w", err)
			}
			continue
		}
		passwords.WriteString(line)
	}
	if _, err := s.file("tenants.map", []byte(tenants.String())); err != nil {
		return err
	}
	_, err := s.file("htpasswd", []byte(passwords.String()))
	return err
}
