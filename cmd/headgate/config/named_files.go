package config

import (
	"cmp"
	"slices"
	"strings"
)

// File is one that the configuration names, and what it held when it was last
// good.
type File struct {
	Path string
	text Secret
}

// Same reports whether both hold the same.
func (f File) Same(other File) bool { return f.text == other.text }

// Files are all files that the configuration names, each once, sorted by path;
// none with Options.NoFiles.
func (c *Config) Files() []File { return c.named.files() }

// Held are the errors that keep files from being used as they are now: what each
// of them held before, as Options.Last tells, is in use instead.
func (c *Config) Held() Problems { return c.held }

// FilesAt are the files that are named at a key, or in the table that it is.
func (c *Config) FilesAt(key string) []File {
	var found []File
	for _, n := range c.named.byKey()[key] {
		found = append(found, n.file)
	}
	return found
}

// naming is a key that names a file.
type naming struct {
	key  string
	file File
	read bool // it could be, or its last text stands in for it
}

type namings []naming

// byKey has each naming at its key, and at those of the tables that it is in.
func (all namings) byKey() map[string][]naming {
	index := make(map[string][]naming)
	for _, n := range all {
		for key := n.key; key != ""; key = key[:max(strings.LastIndexAny(key, ".["), 0)] {
			index[key] = append(index[key], n)
		}
	}
	return index
}

// files are those that could be read.
func (all namings) files() []File {
	var files []File
	for _, n := range all {
		if n.read {
			files = append(files, n.file)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b File) bool { return a.Path == b.Path })
}

// paths are those of all files, of which some could not be read.
func (all namings) paths() []string {
	paths := make([]string, 0, len(all))
	for _, n := range all {
		paths = append(paths, n.file.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// substitutes are what files held when all was well, and which of them stand in
// for what the files hold now.
type substitutes struct {
	last     map[string]File // by path
	used     map[string]bool
	problems Problems // why they are, but for those that the caller wanted
}

func newSubstitutes(o Options) *substitutes {
	s := &substitutes{last: make(map[string]File, len(o.Last)), used: make(map[string]bool)}
	for _, f := range o.Last {
		s.last[f.Path] = f
	}
	for _, path := range o.Unread {
		s.used[path] = true
	}
	return s
}

// standIn is the text that stands in for a file, if one does.
func (s *substitutes) standIn(path string) (File, bool) {
	f, known := s.last[path]
	return f, known && s.used[path]
}

// use makes the last good texts stand in for all files that an error is about. It
// reports whether that changes anything.
func (s *substitutes) use(problems Problems, named namings) bool {
	if len(s.last) == 0 {
		return false
	}
	index, more := named.byKey(), false
	for _, p := range problems {
		if p.Level != Error {
			continue
		}
		blamed := false
		for _, key := range p.files() {
			for _, n := range index[key] {
				last, known := s.last[n.file.Path]
				if known && !s.used[n.file.Path] && !(n.read && n.file.Same(last)) {
					s.used[n.file.Path], blamed = true, true
				}
			}
		}
		if blamed {
			s.problems = append(s.problems, p)
		}
		more = more || blamed
	}
	return more
}
