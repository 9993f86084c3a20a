package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many links a path may lead through, as in Linux (path_resolution(7)).
const maxLinks = 40

// places are the folders in which a change of what a path leads to shows: the one it is in, or will be, those of all links
// on the way, and a folder itself with those of the links in it. Kubernetes and release tools put a link in the place of
// another, however high above the file.
func places(path string) []string {
	var all []string
	end, isFolder := walk(path, func(folder string) { all = append(all, folder) })
	if !isFolder {
		return all
	}
	all = append(all, end)
	entries, _ := os.ReadDir(end) // of one that cannot be read nothing is in use
	for _, e := range entries {
		if e.Type()&os.ModeSymlink != 0 {
			walk(filepath.Join(end, e.Name()), func(folder string) { all = append(all, folder) })
		}
	}
	return all
}

// walk follows a path through its links to where it ends, and reports whether that is a folder. It visits the folder of
// each link, and that of the end: of what is not there, the last folder that is.
func walk(path string, visit func(folder string)) (end string, isFolder bool) {
	at, err := filepath.Abs(path)
	if err != nil {
		return path, false
	}
	left := strings.Split(at, "/")
	at, isFolder = "/", true
	for links := 0; len(left) > 0; {
		name := left[0]
		left = left[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at, isFolder = filepath.Dir(at), true // at holds no link any more
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		link := err == nil && info.Mode()&os.ModeSymlink != 0
		if err != nil || link || len(left) == 0 {
			visit(at)
		}
		if err != nil {
			return at, false
		}
		if !link {
			at, isFolder = next, info.IsDir()
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return at, false
		}
		if filepath.IsAbs(target) {
			at, isFolder = "/", true
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return at, isFolder
}
