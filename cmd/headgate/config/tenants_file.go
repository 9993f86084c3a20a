package config

import (
	"path/filepath"
	"reflect"

	"github.com/headgate/headgate/authcache"
)

// Credentials are what a file beside the configuration file holds.
type Credentials struct {
	Entries []authcache.Entry
	Limits  map[string]TenantLimits // by tenant
	// Files are those that it names, and Named the paths also of those that cannot be
	// read, each once.
	Files []File
	Named []string
	// Held are the errors that keep files it names from being used as they are now, as
	// those of a Config.
	Held Problems
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
	instead := newSubstitutes(o)
	for {
		found, named, problems := c.parseTenantsWith(path, text, o, instead)
		if instead.use(problems, named) {
			continue
		}
		found.Files, found.Named, found.Held = named.files(), named.paths(), instead.problems
		return found, problems
	}
}

func (c *Config) parseTenantsWith(path string, text []byte, o Options, instead *substitutes) (Credentials, namings, Problems) {
	r := new(report)
	tree, err := parseTOML(string(text))
	if err != nil {
		return Credentials{}, nil, Problems{syntaxProblem("tenants", err)}
	}
	var shape tenantsShape
	newDecoder(r).table(nil, tree, reflect.ValueOf(&shape).Elem())
	on := c.checksBeside(r, o, instead)
	c.validateCredentials(on, shape.Tenants)
	for i := range shape.Tenants {
		t := &shape.Tenants[i]
		if exposed(path) && t.holdsSecrets() {
			on.warnf("tenants", "the file holds secrets and is readable by every user of this machine; want %s", keepPrivate)
			break
		}
	}
	found := Credentials{Entries: c.entries(filepath.Base(path), shape.Tenants), Limits: LimitsOf(shape.Tenants)}
	return found, on.named, r.finish(text)
}

// ReadCredentials is the text of a file beside the configuration file. The error has
// no name in it.
func ReadCredentials(path string) ([]byte, error) { return readRegularUpTo(path, maxConfigFile) }

// checksBeside is what files beside the configuration file are validated with.
func (c *Config) checksBeside(r *report, o Options, instead *substitutes) *checks {
	return newChecks(r, c.path, o.orDefaults(), instead)
}
