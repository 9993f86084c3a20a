package sources

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// folder is auth.tenants_dir: every *.toml in it, each with its last good version. Names that begin with a dot are of
// editors, and not looked at.
type folder struct {
	path     string
	files    map[string]*file                          // by name
	limits   map[string]map[string]config.TenantLimits // in force, by the name of the file
	listed   bool                                      // it was read completely once
	accepted bool                                      // the next removal is wanted
	last     outcome
}

// forget makes the next reading read all files.
func (d *folder) forget() {
	for _, f := range d.files {
		f.forget()
	}
	d.last = outcome{}
}

// paths are those to watch.
func (d *folder) paths(paths []string) []string {
	paths = append(paths, d.path)
	for _, f := range d.files {
		paths = append(paths, f.secrets.Paths()...)
	}
	return paths
}

func (d *folder) read(r *reading) {
	names, err := tenantsFiles(d.path)
	if err == nil && len(names) == 0 && !d.listed {
		// Who starts before the file system is mounted would refuse every push for good.
		err = fmt.Errorf("%s: holds no *.toml file, as it does before it is mounted; want one, be it without tenants", d.path)
	}
	if err != nil {
		r.failing = true
		d.last.failed(r, TenantsDir, err)
		return
	}
	changed := false
	for _, name := range names {
		f := d.files[name]
		if f == nil {
			f = &file{path: filepath.Join(d.path, name)}
			d.files[name] = f
		}
		changed = f.refresh(r, r.sources.config.ParseTenants) || changed
	}
	othersWritten := r.unfinished
	for name, f := range d.files {
		if _, listed := slices.BinarySearch(names, name); !listed && f.gone(r, othersWritten) {
			delete(d.files, name)
			changed = true
		}
	}
	files := d.sorted()
	if !d.listed && slices.ContainsFunc(files, (*file).unread) {
		r.sources.options.Cache.Failed(TenantsDir, errBeingWritten)
		return
	}
	d.applyLimits(r)
	d.listed = true
	a := application{name: TenantsDir, files: files, accepted: d.accepted}
	d.last.apply(r, &a, changed)
}

// sorted are the files in the order of their names.
func (d *folder) sorted() []*file {
	files := make([]*file, 0, len(d.files))
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		files = append(files, d.files[name])
	}
	return files
}

// tenantsFiles are the names of the files of a folder, sorted.
func tenantsFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		if wrapped, ok := errors.AsType[*os.PathError](err); ok {
			err = wrapped.Err
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%s: cannot be read: %w; want chgrp headgate, chmod 750", path, err)
		}
		return nil, fmt.Errorf("%s: cannot be read: %w", path, err)
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".toml") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}
