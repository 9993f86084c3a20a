package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// seeds are the files in testdata.
func seeds(f *testing.F) {
	f.Helper()
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// sound wants an error in plain words, which does not find fault with routes that the converter made, or a configuration that
// headgate takes.
func sound(t *testing.T, text []byte, err error) *config.Config {
	t.Helper()
	if err != nil {
		if strings.ContainsAny(err.Error(), "\x00\x1b\r") || strings.Contains(err.Error(), "BUG") || strings.Contains(err.Error(), contradiction) {
			t.Errorf("error %q", err)
		}
		return nil
	}
	made, problems := config.Parse("headgate.toml", text, config.Options{NoFiles: true, Env: func(string) string { return "" }})
	if problems.Errors() > 0 {
		t.Errorf("%v\n%s", problems, text)
	}
	return made
}

// contradiction is in the error that two routes are the same.
const contradiction = "is already that of"

// samePathTwice reports whether a file of auth-gateway gives one path to two components, which it did not take itself.
func samePathTwice(text []byte) bool {
	root, err := parseYAML(text)
	g := newAuthGateway()
	if err != nil || g.read(root) != nil {
		return false
	}
	owner := make(map[string]string)
	for _, c := range g.components {
		paths := c.given
		if len(paths) == 0 {
			paths = c.paths
		}
		for _, path := range paths {
			if other, taken := owner[path]; taken && other != c.name {
				return true
			}
			owner[path] = c.name
		}
	}
	return false
}

func FuzzAuthGateway(f *testing.F) {
	seeds(f)
	f.Add([]byte("ruler: {url: 'http://r', paths: [/prometheus/api/v1/rules, /prometheus/api/v1/rules/]}"))
	f.Add([]byte("server: &a {port: 1}\nadmin: *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		made, err := AuthGateway(text)
		if err != nil && strings.Contains(err.Error(), contradiction) && samePathTwice(text) {
			return
		}
		sound(t, made, err)
	})
}

func FuzzProposal(f *testing.F) {
	seeds(f)
	f.Add([]byte("secret: x\nbasic: {a: {<<: {password: b}, tenant: c}}"))
	f.Add([]byte("routes: [{path: /x, target: y}]\ntargets: {\x00z: http://z}")) // a name in an error
	f.Add(proposed("- {path: /x/, prefix: true, target: ruler}\n- {path: /x, prefix: true, target: a.b}\n- {path: /x/*, target: a.b}\n", "ruler", "a.b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		made, err := Proposal(text)
		sound(t, made, err)
	})
}

func FuzzCortexGateway(f *testing.F) {
	f.Add(strings.Join(upstreamFlags, "\n") + "\n-gateway.auth.jwt-secret=x\n-server.path-prefix\n/a/\n-log.level=debug")
	f.Add(strings.Join(upstreamFlags, "\n") + "\n-gateway.auth.tenant-name=fake\n-gateway.ruler.address=http://u:p@r/x?y\nJAEGER_A=b")
	f.Fuzz(func(t *testing.T, flags string) {
		made, err := CortexGateway(strings.Split(flags, "\n"), nil)
		sound(t, made, err)
	})
}

func FuzzHtpasswd(f *testing.F) {
	f.Add([]byte("a:"+bcryptHash+"\nb:"+apr1Hash+"\n"), "")
	f.Add([]byte("a:"+bcryptHash+"\r\n\n#\nb:{SHA}x"), "team")
	f.Fuzz(func(t *testing.T, text []byte, tenant string) {
		made, err := Htpasswd(HtpasswdFile{Name: "users", Text: text, Tenant: tenant})
		c := sound(t, made, err)
		if c == nil || c.Auth.HtpasswdFile == "" {
			return
		}
		if _, problems := c.ParseHtpasswd("users", text, config.Options{NoFiles: true}); problems.Errors() > 0 {
			t.Errorf("the file is not taken as it is: %v\n%q", problems, text)
		}
	})
}
