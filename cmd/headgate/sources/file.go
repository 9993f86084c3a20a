package sources

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// A file that was written less than quiet ago may still be written, and is looked at once more in a moment. One that is
// written to without an end is read after patience all the same.
const (
	quiet    = 200 * time.Millisecond
	patience = 2 * time.Second
)

// file is one file and the last good version of it.
type file struct {
	path    string
	look    watch.Print            // as it was when it was last read
	secrets map[string]watch.Print // the files that it names, as they were then
	waiting time.Time              // since when it is different, and not read yet; zero: it is not

	late     bool // others of its folder were read before it was there
	good     bool // a version was read
	entries  []authcache.Entry
	applied  []authcache.Entry // those in force; not the same while there is a conflict, or a removal is held
	limits   map[string]config.TenantLimits
	err      error // why the file is not in use as it is now
	conflict error // why its entries cannot be in force beside others

	contradiction error           // why its limits cannot
	warnings      config.Problems // about the last good version
}

// parser reads the text of a file.
type parser func(path string, text []byte, o config.Options) (config.Credentials, config.Problems)

// forget makes the next refresh read the file whatever it looks like: what it means may have changed.
func (f *file) forget() { f.look = watch.Print{} }

// refresh reads the file if it is not as it was. It reports whether the last good version is another one now.
func (f *file) refresh(r *reading, parse parser) bool {
	look := watch.Look(f.path)
	if look == f.look && !f.secretsChanged() {
		f.waiting = time.Time{}
		return false
	}
	if f.beingWritten(look, r.now) {
		r.unfinished = true
		return false
	}
	f.waiting = time.Time{}
	text, err := config.ReadCredentials(f.path)
	if watch.Look(f.path) != look {
		r.unfinished = true // it changed under our eyes
		return false
	}
	f.look = look
	if err == nil && len(text) == 0 && len(f.entries) > 0 {
		err = errors.New("is empty, as a file is that is about to be written; want the file out, if its credentials are to go")
	}
	if err != nil {
		f.err = err
		return false
	}
	found, problems := parse(f.path, text, r.parsing())
	f.secrets = make(map[string]watch.Print, len(found.Files))
	for _, secret := range found.Files {
		f.secrets[secret] = watch.Look(secret)
	}
	if problems.Errors() > 0 {
		f.err = problemsError(problems)
		return false
	}
	f.err, f.good = nil, true
	f.entries, f.limits = found.Entries, found.Limits
	f.warn(r, problems)
	return true
}

// secretsChanged reports whether a file that this one names is not as it was.
func (f *file) secretsChanged() bool {
	for secret, was := range f.secrets {
		if watch.Look(secret) != was {
			return true
		}
	}
	return false
}

// beingWritten reports whether the file, or one that it names, may be half of what it will be. What was never read is
// taken as it is, unless others were: there is nothing to go on with meanwhile.
func (f *file) beingWritten(look watch.Print, now time.Time) bool {
	if !f.good && !f.late {
		return false
	}
	if look == f.look {
		for secret, was := range f.secrets {
			if now := watch.Look(secret); now != was {
				look = now
				break
			}
		}
	}
	return stillWritten(look, now, &f.waiting)
}

// stillWritten reports whether a file that looks like this was written a moment ago. Since keeps when that was first found.
func stillWritten(look watch.Print, now time.Time, since *time.Time) bool {
	if since.IsZero() {
		*since = now
	}
	age := now.Sub(look.Modified())
	return age >= 0 && age < quiet && now.Sub(*since) < patience
}

// warn logs the warnings about a file, when they are others than before.
func (f *file) warn(r *reading, problems config.Problems) {
	if slices.Equal(problems, f.warnings) {
		return
	}
	f.warnings = problems
	for _, p := range problems {
		r.sources.options.Log.Warn("credentials", "file", f.path, "problem", p.String())
	}
}

// maxProblems is how many problems of one file are told; the rest is a number.
const maxProblems = 20

// problemsError is the errors among the problems in one.
func problemsError(problems config.Problems) error {
	var all []error
	for _, p := range problems {
		if p.Level == config.Error {
			all = append(all, errors.New(strings.TrimPrefix(p.String(), "error: ")))
		}
	}
	return joined(all, "problems")
}

// joined is errors.Join of the first ones, and the number of the rest.
func joined(all []error, noun string) error {
	if more := len(all) - maxProblems; more > 0 {
		all = append(all[:maxProblems:maxProblems], fmt.Errorf("and %d more %s", more, noun))
	}
	return errors.Join(all...)
}

// each is the errors that were joined to one.
func each(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
