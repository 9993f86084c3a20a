package watch

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// Readings are what files looked like right before they were read, so that a change while one was read is a change. The
// zero value knows no file.
type Readings struct{ files map[string]*known }

// known is one file.
type known struct {
	look   Print
	rest   Rest
	failed bool // it could not be read
}

// Note notes what a file looks like, for whoever is about to read it.
func (r *Readings) Note(path string) {
	if r.files == nil {
		r.files = make(map[string]*known)
	}
	r.files[path] = &known{look: Look(path)}
}

// Failed notes that a file which was noted could not be read: until it can be, Failing is true, and then it has changed,
// whatever it looks like.
func (r *Readings) Failed(path string) { r.files[path].failed = true }

// Failing reports whether there is a file that could not be read. Nobody gives notice when it can be.
func (r *Readings) Failing() bool {
	for _, f := range r.files {
		if f.failed {
			return true
		}
	}
	return false
}

// Changed are the files that do not look as they did, in two lists: those that have come to rest, and those that may
// still be on their way to something else. Both are sorted.
func (r *Readings) Changed(now time.Time) (changed, unfinished []string) {
	for path, f := range r.files {
		switch look := Look(path); {
		case look == f.look && f.failed && readable(path):
			changed = append(changed, path)
		case look == f.look:
			f.rest.End()
		case f.rest.Wait(look, now):
			unfinished = append(unfinished, path)
		default:
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	slices.Sort(unfinished)
	return changed, unfinished
}

// readable reports whether a file can be read now. It is a regular one, or nobody would have tried.
func readable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = file.Read(make([]byte, 1))
	return err == nil || errors.Is(err, io.EOF)
}

// Keep forgets all files but these.
func (r *Readings) Keep(paths []string) {
	wanted := make(map[string]bool, len(paths))
	for _, path := range paths {
		wanted[path] = true
	}
	maps.DeleteFunc(r.files, func(path string, _ *known) bool { return !wanted[path] })
}

// Paths are the files, in no order.
func (r *Readings) Paths() []string { return slices.Collect(maps.Keys(r.files)) }

// Clone is a copy that is independent of r.
func (r *Readings) Clone() *Readings {
	clone := &Readings{files: make(map[string]*known, len(r.files))}
	for path, f := range r.files {
		own := *f
		clone.files[path] = &own
	}
	return clone
}
