package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// manyFiles names a file of every kind.
const manyFiles = `
[server]
listen = [":8443"]
[server.tls]
cert_file = "gate.crt"
key_file = "gate.key"
[upstreams.all]
url = "https://cortex.example"
[upstreams.all.tls]
ca_file = "ca.crt"
[auth.jwt]
secret_file = "jwt.secret"
revoked_ids_file = "revoked"
algorithms = ["HS256"]
[[tenants]]
id = "a"
username = "a"
password_file = "a.secret"
[[tenants]]
id = "b"
username = "b"
password_file = "b.secret"
[[tenants]]
id = "c"
token_file = "c.token"
[[tenants]]
id = "d"
token_file = "d.token"
`

// filesOf writes what manyFiles names, and returns how one is written, nothing for one that goes.
func filesOf(t *testing.T) (dir string, write func(name, text string)) {
	t.Helper()
	dir = t.TempDir()
	writeCertificates(t, dir)
	write = func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pem, err := os.ReadFile(filepath.Join(dir, "gate.crt"))
	if err != nil {
		t.Fatal(err)
	}
	write("ca.crt", string(pem))
	write("jwt.secret", strings.Repeat("s", 32))
	write("revoked", "one\n")
	write("a.secret", "a-one")
	write("b.secret", "b-one")
	write("c.token", "token-number-one-of-c")
	write("d.token", "token-number-one-of-d")
	return dir, write
}

// TestAFileThatCannotBeUsedHoldsBackOnlyItself breaks files of every kind beside others that change: those are in use as
// they are now, and the broken ones as they were.
func TestAFileThatCannotBeUsedHoldsBackOnlyItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		change map[string]string // by file; "": it goes
		held   []string          // keys of what is wrong
		a      string            // the password of a
		c      string            // the token of c
	}{
		{"nothing is wrong", map[string]string{"a.secret": "a-two"}, nil, "a-two", "token-number-one-of-c"},
		{"a password goes", map[string]string{"b.secret": "", "a.secret": "a-two"}, []string{"tenants[1].password_file"}, "a-two", "token-number-one-of-c"},
		{"and another is broken", map[string]string{"b.secret": "", "a.secret": "a\x00b", "c.token": "token-number-two-of-c"},
			[]string{"tenants[0].password_file", "tenants[1].password_file"}, "a-one", "token-number-two-of-c"},
		{"a token is that of somebody else", map[string]string{"c.token": "token-number-one-of-d", "a.secret": "a-two"}, []string{"tenants[3]"}, "a-two", "token-number-one-of-c"},
		{"two get the same token", map[string]string{"c.token": "token-number-two-of-c", "d.token": "token-number-two-of-c", "a.secret": "a-two"},
			[]string{"tenants[3]"}, "a-two", "token-number-one-of-c"},
		{"a secret is too short", map[string]string{"jwt.secret": "short", "a.secret": "a-two"}, []string{"auth.jwt.secret_file"}, "a-two", "token-number-one-of-c"},
		{"half a pair is new", map[string]string{"gate.key": "other", "a.secret": "a-two"}, []string{"server.tls"}, "a-two", "token-number-one-of-c"},
		{"an authority is garbage", map[string]string{"ca.crt": "garbage", "a.secret": "a-two"}, []string{"upstreams.all.tls.ca_file"}, "a-two", "token-number-one-of-c"},
		{"a list goes", map[string]string{"revoked": "", "a.secret": "a-two"}, []string{"auth.jwt.revoked_ids_file"}, "a-two", "token-number-one-of-c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, write := filesOf(t)
			path, o := filepath.Join(dir, "config.toml"), goldenOptions()
			before, problems := Parse(path, []byte(manyFiles), o)
			if problems.Errors() > 0 || len(before.Files()) != 9 {
				t.Fatal(len(before.Files()), problems)
			}
			for name, text := range c.change {
				if text == "other" {
					other, err := os.ReadFile(filepath.Join(dir, "other.key"))
					if err != nil {
						t.Fatal(err)
					}
					text = string(other)
				}
				write(name, text)
			}
			if _, problems := Parse(path, []byte(manyFiles), o); problems.Errors() != len(c.held) {
				t.Errorf("without anything to stand in: %v", problems)
			}
			o.Last = before.Files()
			now, problems := Parse(path, []byte(manyFiles), o)
			if problems.Errors() > 0 {
				t.Fatal(problems)
			}
			var held []string
			for _, p := range now.Held() {
				held = append(held, p.Key)
			}
			if !slices.Equal(held, c.held) {
				t.Errorf("held is %v", now.Held())
			}
			if a, token := string(now.Tenants[0].FromFile), string(now.Tenants[2].FromFile); a != c.a || token != c.c {
				t.Errorf("the password is %s and the token %s", a, token)
			}
			if now.Tenants[1].FromFile == "" || len(now.Auth.JWT.Options().Keys) != 1 || len(now.Auth.JWT.RevokedIDs()) != 1 || len(now.Server.TLS.TLSConfig().Certificates) != 1 {
				t.Error("what cannot be used now is not what it was")
			}
			// What stands in now may stand in again.
			o.Last = now.Files()
			if again, problems := Parse(path, []byte(manyFiles), o); problems.Errors() > 0 || len(again.Held()) != len(c.held) {
				t.Errorf("the second time: %v, held %v", problems, again.Held())
			}
		})
	}
}

// TestFilesAreReadOnceAndTold: whoever looks at a file before it is read is told of it, and all keys that name it get the
// same text. What is not to be read is not.
func TestFilesAreReadOnceAndTold(t *testing.T) {
	dir, write := filesOf(t)
	path, o := filepath.Join(dir, "config.toml"), goldenOptions()
	var told []string
	o.Reads = func(path string) { told = append(told, filepath.Base(path)) }
	text := manyFiles + "[[tenants]]\nid = \"e\"\nusername = \"e\"\npassword_file = \"a.secret\"\n"
	before, problems := Parse(path, []byte(text), o)
	slices.Sort(told)
	if want := "a.secret b.secret c.token ca.crt d.token gate.crt gate.key jwt.secret revoked"; problems.Errors() > 0 || strings.Join(told, " ") != want {
		t.Errorf("told of %q, %v", told, problems)
	}
	write("a.secret", "half of")
	told, o.Last, o.Unread = nil, before.Files(), []string{filepath.Join(dir, "a.secret")}
	now, problems := Parse(path, []byte(text), o)
	if slices.Contains(told, "a.secret") || problems.Errors() > 0 || now.Tenants[0].FromFile != "a-one" || now.Tenants[4].FromFile != "a-one" || now.Held() != nil {
		t.Errorf("told of %q, %v, held %v", told, problems, now.Held())
	}
}

// Who reads is told of a file that the system did not let us read, which may be good in a moment, and of no other.
func TestAFileThatCouldNotBeReadIsTold(t *testing.T) {
	dir, o := t.TempDir(), goldenOptions()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxSecretFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	o.Failed = func(path string) { told = append(told, path) }
	text := ""
	for i, path := range []string{dir, large, "/proc/self/mem"} { // which cannot be read at its beginning
		text += fmt.Sprintf("[[tenants]]\nid = \"%[1]d\"\nusername = \"%[1]d\"\npassword_file = %[2]q\n", i, path)
	}
	_, problems := Parse(filepath.Join(dir, "headgate.toml"), []byte(text), o)
	if problems.Errors() < 3 || len(told) != 1 || told[0] != "/proc/self/mem" {
		t.Errorf("told of %q, %v", told, problems)
	}
}

// TestAFileBesideHoldsBackOnlyItself is the same for [[tenants]] in a file of their own.
func TestAFileBesideHoldsBackOnlyItself(t *testing.T) {
	dir, write := filesOf(t)
	c, _ := Parse(filepath.Join(dir, "config.toml"), nil, goldenOptions())
	text := []byte(manyFiles[strings.Index(manyFiles, "[[tenants]]"):])
	path, o := filepath.Join(dir, "tenants.toml"), goldenOptions()
	before, problems := c.ParseTenants(path, text, o)
	if problems.Errors() > 0 || len(before.Files) != 4 || len(before.Named) != 4 {
		t.Fatal(problems)
	}
	write("a.secret", "")
	write("b.secret", "b-two")
	if found, problems := c.ParseTenants(path, text, o); problems.Errors() != 1 || len(found.Files) != 3 || len(found.Named) != 4 {
		t.Errorf("without anything to stand in: %v", problems)
	}
	o.Last = before.Files
	now, problems := c.ParseTenants(path, text, o)
	if problems.Errors() > 0 || len(now.Held) != 1 || now.Entries[0].Password != "a-one" || now.Entries[1].Password != "b-two" {
		t.Errorf("%v, held %v", problems, now.Held)
	}
}

// TestAListMayBeLong: tokens are not taken back by a list that is too long to be read.
func TestAListMayBeLong(t *testing.T) {
	dir, write := filesOf(t)
	const ids = 60_000
	var list strings.Builder
	for n := range ids {
		fmt.Fprintf(&list, "%08d-0000-4000-8000-000000000000\n", n)
	}
	write("revoked", list.String())
	c, problems := Parse(filepath.Join(dir, "config.toml"), []byte(manyFiles), goldenOptions())
	if problems.Errors() > 0 || len(c.Auth.JWT.RevokedIDs()) != ids {
		t.Errorf("%d IDs, %v", len(c.Auth.JWT.RevokedIDs()), problems)
	}
	write("a.secret", list.String())
	if _, problems := Parse(filepath.Join(dir, "config.toml"), []byte(manyFiles), goldenOptions()); problems.Errors() != 1 || !strings.Contains(problems[0].Text, "larger than 1MiB") {
		t.Errorf("a password of two megabytes: %v", problems)
	}
}
