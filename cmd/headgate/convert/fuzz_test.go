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

// sound wants an error in plain words, or a configuration that headgate takes.
func sound(t *testing.T, text []byte, err error) *config.Config {
	t.Helper()
	if err != nil {
		if strings.ContainsAny(err.Error(), "\x00\x1b\r") || strings.Contains(err.Error(), "BUG") {
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

func FuzzAuthGateway(f *testing.F) {
	seeds(f)
	f.Add([]byte("server: &a {port: 1}\nadmin: *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		made, err := AuthGateway(text)
		sound(t, made, err)
	})
}

func FuzzProposal(f *testing.F) {
	seeds(f)
	f.Add([]byte("secret: x\nbasic: {a: {<<: {password: b}, tenant: c}}"))
	f.Add([]byte("routes: [{path: /x, target: y}]\ntargets: {\x00z: http://z}")) // a name in an error
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
