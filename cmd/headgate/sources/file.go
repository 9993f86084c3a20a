package sources

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// file is one file and the last good version of it.
type file struct {
	path    string
	look    watch.Print    // as it was when it was last read
	rest    watch.Rest     // of it, when it is different
	secrets watch.Readings // of the files that it names
	last    []config.File  // what those held when they were last good

	good     bool // a version was read
	entries  []authcache.Entry
	applied  []authcache.Entry // those in force; not the same while there is a conflict, or a removal is held
	limits   map[string]config.TenantLimits
	err      error // why the file, or one that it names, is not in use as it is now
	conflict error // why its entries cannot be in force beside others

	contradiction error           // why its limits cannot
	warnings      config.Problems // about the last good version
}

// parser reads the text of a file.
type parser func(path string, text []byte, o config.Options) (config.Credentials, config.Problems)

// errBeingWritten is why nothing is known of a source whose first reading has to wait. What was in force in its place stays.
var errBeingWritten = errors.New("it is being written, and was not read yet")

// unread reports whether nothing is known of the file: it is being written, and has not come to rest.
func (f *file) unread() bool { return !f.good && f.err == nil }

// forget makes the next refresh read the file whatever it looks like: what it means may have changed.
func (f *file) forget() { f.look = watch.Print{} }

// refresh reads the file if it is not as it was, or one that it names is not. It reports whether the last good version is
// another one now.
func (f *file) refresh(r *reading, parse parser) bool {
	defer func() { r.failing = r.failing || f.secrets.Failing() }()
	look := watch.Look(f.path)
	changed, written := f.secrets.Changed(r.now)
	if len(written) > 0 {
		r.unfinished = true
	}
	if look == f.look && len(changed) == 0 {
		f.rest.End()
		return false
	}
	if look != f.look && f.rest.Wait(look, r.now) {
		r.unfinished = true
		return false
	}
	f.rest.End()
	text, err := config.ReadCredentials(f.path)
	if watch.Look(f.path) != look {
		r.unfinished = true // it changed under our eyes
		return false
	}
	f.look = look
	if config.Unread(err) {
		f.look, r.failing = watch.Print{}, true // nothing else will tell when it can be read
	}
	if err == nil && len(text) == 0 && len(f.entries) > 0 {
		err = errors.New("is empty, as a file is that is about to be written; want the file out, if its credentials are to go")
	}
	if err != nil {
		f.err = err
		return false
	}
	o := r.parsing()
	o.Reads, o.Failed, o.Last, o.Unread = f.secrets.Note, f.secrets.Failed, f.last, written
	found, problems := parse(f.path, text, o)
	f.secrets.Keep(found.Named)
	if problems.Errors() > 0 {
		f.err = problemsError(problems)
		return false
	}
	f.err, f.good = problemsError(found.Held), true
	f.entries, f.limits, f.last = found.Entries, found.Limits, found.Files
	f.warn(r, problems)
	return true
}

// gone reports whether the file, which its folder does not list, is away to stay: for as long as one has to be left alone
// before it is read, and as long as others of the folder are written, which may be about to hold what it did.
func (f *file) gone(r *reading, othersWritten bool) bool {
	look := watch.Look(f.path)
	if f.rest.Wait(look, r.now) || !look.Missing() || othersWritten && !f.rest.Exhausted(r.now) {
		r.unfinished = true
		return false
	}
	return true
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
