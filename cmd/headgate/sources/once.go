package sources

import (
	"fmt"
	"path/filepath"

	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// Finding is one thing that is wrong with a source.
type Finding struct {
	Level  config.Level
	Source string
	Text   string
}

// String is the finding in one line, as check prints it.
func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Level, f.Source, f.Text) }

// ReadOnce reads the sources of a configuration that are files into the cache, and tells what is wrong with them. Nothing
// is watched and nothing fetched.
func ReadOnce(cfg *config.Config, o Options) []Finding {
	s := New(o)
	s.config = cfg
	s.place()
	s.readAtRest()
	var found []Finding
	tell := func(source string, err error) {
		for _, one := range each(err) {
			found = append(found, Finding{config.Error, source, one.Error()})
		}
	}
	if s.folder != nil {
		for _, f := range s.folder.sorted() {
			found = append(found, warnings(TenantsDir, f)...)
		}
	}
	if s.htpasswd != nil {
		found = append(found, warnings(HtpasswdFile, &s.htpasswd.file)...)
	}
	for _, status := range o.Cache.Sources() {
		if status.Name == TenantsDir || status.Name == HtpasswdFile {
			tell(status.Name, status.Err)
		}
	}
	for _, i := range issuersOf(&cfg.Auth.JWT) {
		path := i.JWKSPath()
		if path == "" {
			continue
		}
		set := verify.NewKeySet(filepath.Base(path))
		text, err := config.ReadCredentials(path)
		if err != nil {
			err = set.Failed(err)
		} else {
			err = set.Set(text)
		}
		tell("jwks_file", err)
	}
	return found
}

// warnings are those about the last good version of a file.
func warnings(source string, f *file) []Finding {
	var found []Finding
	for _, p := range f.warnings {
		p := config.Problem{Level: p.Level, Key: filepath.Base(f.path) + ": " + p.Key, Line: p.Line, Text: p.Text}
		text := p.String()
		found = append(found, Finding{config.Warning, source, text[len("warning: "):]})
	}
	return found
}
