package config

import (
	"path/filepath"
	"time"
)

// checks is what validation works with.
type checks struct {
	*report
	files
	path    string // of the configuration file
	machine Machine
	now     time.Time
	named   namings // what was read
}

func newChecks(r *report, path string, o Options, instead *substitutes) *checks {
	return &checks{
		report:  r,
		files:   files{dir: filepath.Dir(path), skip: o.NoFiles, env: o.Env, reads: o.Reads, failed: o.Failed, instead: instead, texts: make(map[string]fileText)},
		path:    path,
		machine: o.Machine,
		now:     o.Now(),
	}
}

// content reads a secret or certificate that a key names and notes the file for
// Config.Files. It is nil for an empty name, with NoFiles and after a failure, which
// is reported.
func (on *checks) content(key, name string) []byte { return on.contentUpTo(key, name, maxSecretFile) }

// contentUpTo is content for a file of so many bytes.
func (on *checks) contentUpTo(key, name string, most int64) []byte {
	if name == "" || on.skip {
		return nil
	}
	path, err := on.resolve(name)
	if err != nil {
		on.errorf(key, "%s: %v", show(name), err)
		return nil
	}
	text, err := on.read(path, most)
	on.named = append(on.named, naming{key: key, file: File{Path: path, text: Secret(text)}, read: err == nil})
	if err != nil {
		on.errorf(key, "%s: %v", show(name), err)
		return nil
	}
	return text
}

// place is where something is that a key names; it need not be there. It is "" for
// an empty name, with NoFiles and after a failure, which is reported.
func (on *checks) place(key, name string) string {
	if name == "" || on.skip {
		return ""
	}
	path, err := on.resolve(name)
	if err != nil {
		on.errorf(key, "%s: %v", show(name), err)
	}
	return path
}

// warnExposed reports a secret file that everybody may read.
func (on *checks) warnExposed(key, name string) {
	if path, err := on.resolve(name); err == nil && exposed(path) {
		on.warnf(key, "%s is readable by every user of this machine; want %s", show(name), keepPrivate)
	}
}

// validate reports everything that is wrong with the configuration, and derives
// what follows from it: targets, secrets, the route table, automatic values. The
// order matters where one derives what the next one looks at.
func (c *Config) validate(on *checks) {
	c.path = on.path
	for _, table := range []func(*Config, *checks){
		(*Config).validateServer,
		(*Config).validateServerTLS,
		(*Config).validateAdmin,
		(*Config).validateCortex,
		(*Config).validateAuth,
		(*Config).validateEtcd,
		(*Config).validateLog,
		(*Config).validateTracing,
		(*Config).validateLimits,
		(*Config).validateUpstreams,
		(*Config).validateHealthUpstreams,
		(*Config).validateRoutes,
		(*Config).validateTenants,
		(*Config).deriveTimeouts,
		(*Config).deriveLimits,
		(*Config).validateExposure,
	} {
		table(c, on)
	}
}
