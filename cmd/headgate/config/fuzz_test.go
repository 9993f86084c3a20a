package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// Whatever is in a file: no panic, problems in one line each, and what is accepted
// is accepted again, and means the same when it is written down.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.toml", exampleFile} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: no seeds: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
			f.Add(uncomment(string(text)))
		}
	}
	for _, text := range canaries {
		f.Add(text)
	}
	o := Options{NoFiles: true, Env: noEnv, Now: func() time.Time { return today }}
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := Parse("config.toml", []byte(text), o)
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			if p.Key == "" || p.Text == "" || p.Line < 0 || p.Line > lines || strings.ContainsAny(p.String(), "\n\r\x00\x1b") {
				t.Errorf("%d lines have problem %q", lines, p.String())
			}
		}
		if problems.Errors() > 0 {
			return
		}
		table := tableText(c.RouteTable())
		again := &checks{report: new(report), path: "config.toml", files: files{skip: true, env: noEnv}, now: today}
		c.validate(again)
		if second := again.finish([]byte(text)); !reflect.DeepEqual(second, problems) || tableText(c.RouteTable()) != table {
			t.Errorf("validated again: %v, before: %v", second, problems)
		}
		for _, u := range c.Upstreams {
			if u.HostHeader() == "" || len(u.Targets()) == 0 {
				t.Errorf("upstream %v has Host %q and targets %v", u, u.HostHeader(), u.Targets())
			}
		}
		shown := *c
		shown.Tenants = nil                 // two of them may differ in what is not shown
		shown.Auth.JWT = Default().Auth.JWT // and the length of a secret is not shown either
		second, problems := Parse("config.toml", shown.Redacted(), o)
		if problems.Errors() > 0 || tableText(second.RouteTable()) != table {
			t.Errorf("shown as\n%s\nit has problems %v and the routes\n%sbefore\n%s", shown.Redacted(), problems, tableText(second.RouteTable()), table)
		}
	})
}

// Durations, sizes and addresses that are accepted print as something that is
// accepted, and means the same.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"5s", "1h0m0s", "0", "-1s", "2562047h47m16.854775807s", "16KiB", "0", "9007199254740991GiB", "007", "+5",
		":8080", "[::1]:80", "unix:/x", "10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:10.0.0.0/90", "::1%eth0", "auto", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, d2 Duration
		if d.UnmarshalTOML(text) == nil && (d < 0 || d2.UnmarshalTOML(d.String()) != nil || d != d2) {
			t.Errorf("duration %q is %d, and that prints as %q", text, d, d)
		}
		var s, s2 Size
		if s.UnmarshalTOML(text) == nil && (s < 0 || s2.UnmarshalTOML(s.String()) != nil || s != s2) {
			t.Errorf("size %q is %d, and that prints as %q", text, s, s)
		}
		var c, c2 CIDR
		if c.UnmarshalTOML(text) == nil && (c2.UnmarshalTOML(c.String()) != nil || c != c2) {
			t.Errorf("range %q prints as %q", text, c)
		}
		var n, n2 Nameserver
		if n.UnmarshalTOML(text) == nil && (n2.UnmarshalTOML(string(n)) != nil || n != n2) {
			t.Errorf("nameserver %q prints as %q", text, n)
		}
		var a Address
		if a.UnmarshalTOML(text) == nil {
			if network, address := a.Split(); address == "" || network == "tcp" && !strings.Contains(address, ":") {
				t.Errorf("address %q splits into %q and %q", text, network, address)
			}
		}
		if path, prefix, err := readPath(text, false); err == nil && writePath(path, prefix) != text {
			t.Errorf("path %q reads as %q, %t", text, path, prefix)
		}
	})
}

// Whatever is in a file beside the configuration file: no panic, no secret in a problem, and what is found good is good
// to package authcache.
func FuzzCredentialFiles(f *testing.F) {
	const bcrypt = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"
	for _, text := range []string{
		"", "\n", "#", "team-a:" + bcrypt, "team-a:" + bcrypt + ":comment\r\n\n#x\nteam-b:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "a:$apr1$TAlkMsDV$exrHUAv9ytMWvG1vxlJ5U/",
		"[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_hash = \"" + bcrypt + "\"", "[[tenants]]\nid = \"a\"\ntoken = \"0123456789abcdef\"\n[tenants.limits]\nmax_in_flight = 3",
		"tenants = 3", "[tenants]", "[[tenants]]\nid = \"d\"\nauthentication = \"none\"\nallow_from = [\"::ffff:10.0.0.0/104\"]",
		"[[tenants]]\nid=\"a\"\nusername=\"a\"\npassword=\"a\"\n[[tenants]]\nid=\"a\"\nusername=\"a\"\npassword=\"a\"\nname=\"b\"",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, _ := Parse("config.toml", nil, Options{NoFiles: true, Env: noEnv})
		o := Options{NoFiles: true, Env: noEnv, Now: func() time.Time { return today }}
		for name, parse := range map[string]func(string, []byte, Options) (Credentials, Problems){"tenants": c.ParseTenants, "htpasswd": c.ParseHtpasswd} {
			found, problems := parse("/nowhere/"+name, []byte(text), o)
			lines := strings.Count(text, "\n") + 1
			for _, p := range problems {
				if p.Key == "" || p.Text == "" || p.Line < 0 || p.Line > lines || strings.ContainsAny(p.String(), "\n\r\x00\x1b") {
					t.Errorf("%s of %d lines has problem %q", name, lines, p.String())
				}
			}
			if problems.Errors() > 0 || len(found.Files) > 0 || strings.Contains(text, "_file") {
				continue // a secret of a file was not read
			}
			cache := authcache.New(authcache.Options{Workers: 1})
			if _, err := cache.Replace(name, found.Entries); err != nil && !strings.Contains(err.Error(), "is open to another tenant") {
				t.Errorf("%s was found good, and is not: %v", name, err)
			}
			cache.Close()
		}
	})
}
