package watch

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Print is what a file or folder looks like from outside; another one at the same name has another. Two are compared
// with ==.
type Print struct {
	mode     fs.FileMode
	size     int64
	modified int64 // nanoseconds since 1970
	status   status
	list     uint64 // of a folder: a hash of its entries and their prints
	missing  bool
	failure  string // why it cannot be looked at, if it is there
}

// Missing reports whether there is nothing.
func (p Print) Missing() bool { return p.missing }

// Empty reports whether it is a file with nothing in it.
func (p Print) Empty() bool {
	return p.mode.IsRegular() && p.size == 0 && !p.missing && p.failure == ""
}

// Modified is when the file says it was written.
func (p Print) Modified() time.Time { return time.Unix(0, p.modified) }

// Look is what the path looks like now, through links; of a folder without what is in it.
func Look(path string) Print {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Print{missing: true}
	case err != nil:
		return Print{failure: err.Error()}
	}
	return Print{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano(), status: statusOf(info)}
}

// seed is for comparing hashes of this process with each other.
var seed = maphash.MakeSeed()

// lookInto is Look, and of a folder also what all its entries look like.
func lookInto(path string) Print {
	p := Look(path)
	if !p.mode.IsDir() {
		return p
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		p.failure = err.Error()
		return p
	}
	var all maphash.Hash
	all.SetSeed(seed)
	for _, e := range entries {
		_, _ = all.WriteString(e.Name())
		_ = all.WriteByte(0)
		maphash.WriteComparable(&all, Look(filepath.Join(path, e.Name())))
	}
	p.list = all.Sum64()
	return p
}
