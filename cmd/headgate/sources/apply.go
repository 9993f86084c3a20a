package sources

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/headgate/headgate/authcache"
)

// outcome is how the last reading of a source ended.
type outcome struct {
	known bool   // there was one
	text  string // what was wrong, "" for nothing
}

// failed notes that a source cannot be read at all.
func (o *outcome) failed(r *reading, name string, err error) {
	r.sources.options.Cache.Failed(name, err)
	o.say(r, name, err)
}

// say logs what is wrong with a source, when that is not what was wrong before.
func (o *outcome) say(r *reading, name string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch held := (*authcache.HeldError)(nil); {
	case o.known && text == o.text:
	case errors.As(err, &held):
		r.sources.options.Log.Error("removal of credentials held, those in use stay", "source", name,
			"removed", held.Removed, "of", held.Of, "clients", someNames(held.Clients), "problem", text)
	case err != nil:
		r.sources.options.Log.Error("source of credentials in error, what it held before stays", "source", name, "problem", text)
	case o.known && o.text != "":
		r.sources.options.Log.Info("source of credentials is good again", "source", name)
	}
	o.known, o.text = true, text
}

// someNames are the first of many names.
func someNames(names []string) []string { return names[:min(len(names), 100)] }

// application is the files of a source on their way into the cache.
type application struct {
	name     string
	files    []*file
	accepted bool // a removal is wanted, however large
}

// apply puts the files of a source in force, those that can be: one that is in conflict with another, or with another
// source, stays as it was, or out.
func (o *outcome) apply(r *reading, a *application, changed bool) {
	missing := a.missing()
	if changed || a.accepted || !o.known || a.anew() || missing == nil && o.text != "" {
		err := a.replace(r)
		o.say(r, a.name, errors.Join(err, a.missing()))
		return
	}
	if missing != nil {
		r.sources.options.Cache.Failed(a.name, missing)
	}
	o.say(r, a.name, missing)
}

// anew reports whether the files have to be put in force once more although none has changed: one of them is in
// conflict, a removal is held, or one is in error only now.
func (a *application) anew() bool {
	return slices.ContainsFunc(a.files, func(f *file) bool { return f.conflict != nil || !sameEntries(f.entries, f.applied) })
}

// sameEntries reports whether both are one and the same slice.
func sameEntries(a, b []authcache.Entry) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// missing says which files are not in use as they are, nil if all are.
func (a *application) missing() error {
	var all []error
	for _, f := range a.files {
		for _, err := range each(errors.Join(f.err, f.contradiction)) {
			all = append(all, fmt.Errorf("%s: %w", filepath.Base(f.path), err))
		}
		all = append(all, each(f.conflict)...) // each with its place, the name of the file included
	}
	return joined(all, "problems")
}

// attempts is how often files in conflict are put back: to what they were, then out, and once more for those that only
// then are in conflict.
const attempts = 4

// replace puts the files in force, and notes which are in conflict. The error is that a removal is held.
func (a *application) replace(r *reading) error {
	wanted := make(map[*file][]authcache.Entry, len(a.files))
	for _, f := range a.files {
		f.conflict = nil
		wanted[f] = f.entries
	}
	for n := 0; ; n++ {
		if n == attempts {
			for _, f := range a.files {
				if f.conflict != nil {
					wanted[f] = nil
				}
			}
		}
		change, err := a.put(r, wanted)
		if refused, ok := errors.AsType[*authcache.ReplaceError](err); ok && n <= attempts {
			a.putBack(refused, wanted)
			continue
		}
		if err == nil {
			for f, entries := range wanted {
				f.applied = entries
			}
			r.sources.options.tell(a.name, change)
		}
		return err
	}
}

// put asks the cache for one set of entries.
func (a *application) put(r *reading, wanted map[*file][]authcache.Entry) (authcache.Change, error) {
	var entries []authcache.Entry
	for _, f := range a.files {
		entries = append(entries, wanted[f]...)
	}
	var options []authcache.ReplaceOption
	if !a.accepted {
		options = append(options, authcache.HoldRemovals)
	}
	if missing := a.missing(); missing != nil {
		return r.sources.options.Cache.ReplacePart(a.name, entries, missing, options...)
	}
	return r.sources.options.Cache.Replace(a.name, entries, options...)
}

// putBack takes the files whose entries were refused out of what is wanted, or back to what is in force.
func (a *application) putBack(refused *authcache.ReplaceError, wanted map[*file][]authcache.Entry) {
	problems := refused.Problems
	start := 0
	for _, f := range a.files {
		end := start + len(wanted[f])
		var own []error
		for len(problems) > 0 && problems[0].Index < end {
			own = append(own, problems[0])
			problems = problems[1:]
		}
		start = end
		if own == nil {
			continue
		}
		if f.conflict == nil {
			f.conflict = joined(own, "problems")
		}
		if sameEntries(wanted[f], f.applied) {
			wanted[f] = nil
		} else {
			wanted[f] = f.applied
		}
	}
}
