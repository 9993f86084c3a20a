package config

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// File is one that the configuration names, as it was when it was read.
type File struct {
	Path   string
	SHA256 [sha256.Size]byte
}

// Files are all files that the configuration names, each once, sorted by path;
// none with Options.NoFiles. The files of [server.tls] are apart, see
// ServerTLS.Paths.
func (c *Config) Files() []File { return c.named }

// sortFiles puts files in order and drops those that are there twice.
func sortFiles(files []File) []File {
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b File) bool { return a.Path == b.Path })
}

// ChangedFiles are the paths of those of Files that are not what they were, or can
// not be read any more.
func (c *Config) ChangedFiles() []string {
	var changed []string
	for _, f := range c.named {
		text, err := readRegular(f.Path)
		if err != nil || sha256.Sum256(text) != f.SHA256 {
			changed = append(changed, f.Path)
		}
	}
	return changed
}
