package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
)

// Credentials are what a file beside the configuration file holds.
type Credentials struct {
	Entries []authcache.Entry
	Limits  map[string]TenantLimits // by tenant
	// Files are those that it names, each once, also those that cannot be read.
	Files []string
}

// tenantsShape is a file of auth.tenants_dir.
type tenantsShape struct {
	Tenants []Tenant `toml:"tenants"`
}

// ParseTenants reads a file of auth.tenants_dir, which holds [[tenants]] and nothing
// else. What they leave out is as [auth] has it, and files that they name are
// relative to the configuration file. Without an error among the problems, the
// credentials are good as far as this file goes; their files are told in any case.
func (c *Config) ParseTenants(path string, text []byte, o Options) (Credentials, Problems) {
	r := new(report)
	tree, err := parseTOML(string(text))
	if err != nil {
		return Credentials{}, Problems{syntaxProblem("tenants", err)}
	}
	var shape tenantsShape
	newDecoder(r).table(nil, tree, reflect.ValueOf(&shape).Elem())
	on := c.checksBeside(r, o)
	c.validateCredentials(on, shape.Tenants)
	for i := range shape.Tenants {
		t := &shape.Tenants[i]
		if exposed(path) && t.holdsSecrets() {
			on.warnf("tenants", "the file holds secrets and is readable by every user of this machine; want chmod o-r")
			break
		}
	}
	found := Credentials{Entries: c.entries(filepath.Base(path), shape.Tenants), Limits: LimitsOf(shape.Tenants)}
	for i := range shape.Tenants {
		t := &shape.Tenants[i]
		for _, name := range []string{t.PasswordFile, t.TokenFile} {
			if secret, err := on.resolve(name); name != "" && err == nil {
				found.Files = append(found.Files, secret)
			}
		}
	}
	slices.Sort(found.Files)
	found.Files = slices.Compact(found.Files)
	return found, r.finish(text)
}

// ReadCredentials is the text of a file beside the configuration file. The error has
// no name in it.
func ReadCredentials(path string) ([]byte, error) { return readRegularUpTo(path, maxConfigFile) }

// checksBeside is what files beside the configuration file are validated with.
func (c *Config) checksBeside(r *report, o Options) *checks {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &checks{report: r, path: c.path, files: files{dir: filepath.Dir(c.path), skip: o.NoFiles, env: o.Env}, now: o.Now()}
}
