package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tenantsFolder is what auth.tenants_dir names: the credentials that all stories
// share, a file for each tenant, and so many more that a folder which loses all
// of them has lost more than anybody takes away on purpose.
type tenantsFolder struct {
	path    string
	files   map[string][]byte // by name
	mounted bool              // it is a file system of its own
}

// newTenantsFolder makes a folder with every file in it, on a file system of its
// own where this process may mount one.
func newTenantsFolder(t *testing.T) *tenantsFolder {
	t.Helper()
	f := &tenantsFolder{path: filepath.Join(t.TempDir(), "tenants"), files: map[string][]byte{}}
	if err := os.Mkdir(f.path, 0o700); err != nil {
		t.Fatal(err)
	}
	byTenant := map[string][]credential{}
	for _, c := range credentials(t) {
		byTenant[c.Tenant] = append(byTenant[c.Tenant], c)
	}
	for tenant, of := range byTenant {
		for i := range 5 {
			user := fmt.Sprintf("%s-%d", tenant, i)
			of = append(of, credential{Tenant: tenant, User: user, Key: "password", Value: "of " + user})
		}
		f.files[tenant+".toml"] = render(t, "tenants.toml", struct {
			Federation bool
			Tenants    []credential
		}{false, of})
	}
	if err := mountMemory(f.path); err != nil {
		t.Logf("the tenants folder is never unmounted, because it cannot be mounted: %v", err)
	} else {
		f.mounted = true
		t.Cleanup(func() { _ = unmountLazily(f.path) })
	}
	f.fill(t)
	return f
}

// fill puts every file where it was, each whole from one moment to the next.
func (f *tenantsFolder) fill(t *testing.T) {
	t.Helper()
	for name, text := range f.files {
		fresh := filepath.Join(f.path, "."+name)
		if err := os.WriteFile(fresh, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, filepath.Join(f.path, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// empty takes every file out.
func (f *tenantsFolder) empty(t *testing.T) {
	t.Helper()
	for name := range f.files {
		if err := os.Remove(filepath.Join(f.path, name)); err != nil {
			t.Error(err)
		}
	}
}

// unmount takes the file system away, and leaves the empty folder beneath it.
func (f *tenantsFolder) unmount(t *testing.T) {
	t.Helper()
	if err := unmountLazily(f.path); err != nil {
		t.Error(err)
	}
}

// mount brings a new file system with every file in it.
func (f *tenantsFolder) mount(t *testing.T) {
	t.Helper()
	if err := mountMemory(f.path); err != nil {
		t.Fatal(err)
	}
	f.fill(t)
}

// halve leaves of one file what stands before some tenant's name, as somebody
// does who stops in the middle of writing it.
func (f *tenantsFolder) halve(t *testing.T, r *rand.Rand) {
	t.Helper()
	name := []string{"team-a.toml", "team-b.toml"}[r.IntN(2)]
	parts := bytes.SplitAfter(f.files[name], []byte(`id = "te`))
	half := bytes.Join(parts[:1+r.IntN(len(parts)-1)], nil)
	if err := os.WriteFile(filepath.Join(f.path, name), half, 0o600); err != nil {
		t.Error(err)
	}
}

// isGood fails the test when the gateway is not content with the folder in the
// end.
func (f *tenantsFolder) isGood(t *testing.T, g *gateway) {
	t.Helper()
	eventually(t, "the gateway is content with the tenants folder", func() error {
		got, err := caller{url: g.admin}.try("GET", "/ready", "")
		if err == nil && strings.Contains(string(got.body), "tenants_dir") {
			err = fmt.Errorf("/ready says %s", got)
		}
		return err
	})
}
