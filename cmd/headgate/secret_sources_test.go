package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// nobodyYet are the files of a folder that was read, and holds no credentials.
var nobodyYet = map[string]string{"none.toml": "# nobody yet\n"}

// hashOf is a bcrypt hash of a password.
func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// Files with secrets, of the configuration file and of the folder, are followed; one that is broken keeps what it held.
func TestSecretFilesAreFollowed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("own", "one\n")
	write("token", "token-number-one-0123\n")
	write("folder", "one")
	entry := func(user, key, file string) string {
		text := "[[tenants]]\nid = \"team-" + user + "\"\n" + key + " = \"" + filepath.Join(dir, file) + "\"\n"
		if key == "password_file" {
			text += "username = \"" + user + "\"\n"
		}
		return text
	}
	g := startFolder(t, entry("own", "password_file", "own")+entry("tok", "token_file", "token"), map[string]string{
		"a.toml": entry("folder", "password_file", "folder"),
	})
	token := func(token string) int {
		return request{method: "POST", url: g.url("/api/v1/push"), token: token, body: "samples"}.must(t, g.client).status
	}
	if g.status(t, "own", "one") != 200 || g.status(t, "folder", "one") != 200 || token("token-number-one-0123") != 200 {
		t.Fatal("the secrets of files do not count")
	}
	stop := g.pushing(t, "steady", "secret")
	write("own", "two")
	write("folder", "two\n")
	write("token", "token-number-two-0123")
	g.becomes(t, "own", "two", 200)
	g.becomes(t, "folder", "two", 200)
	eventually(t, "the new token is taken", func() bool { return token("token-number-two-0123") == 200 })
	g.becomes(t, "own", "one", 401)

	for _, name := range []string{"own", "folder"} {
		path := filepath.Join(dir, name)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		g.becomes(t, "nobody", "x", 503)
		if g.status(t, name, "two") != 200 {
			t.Errorf("the secret in %s is away, and so is the client", name)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		g.becomes(t, "nobody", "x", 401)
	}
	stop()
}

// refuseNewClient adds a client to the configuration file, and has the reload of it refused. It returns what the file held.
func (g *folderGate) refuseNewClient(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.write(string(text) + tenant("team-n", "new", "one") + "passwrd = \"x\"\n")
	if len(g.Reload()) == 0 {
		t.Fatal("the file was taken")
	}
	return string(text)
}

// A reload that is refused leaves a doubt about who is in the file: a client that was added there must not lose anything.
func TestAfterARefusedReloadUnknownClientsComeAgain(t *testing.T) {
	g := startFolder(t, "", nobodyYet)
	before := g.refuseNewClient(t)
	if g.status(t, "new", "one") != 503 || g.status(t, "steady", "secret") != 200 {
		t.Error("a client that is in the file is refused for good")
	}
	if text := g.ready(t); !strings.Contains(text, "source configuration file: error: tenants[1].passwrd") {
		t.Errorf("/ready says %s", text)
	}
	g.write(before)
	if problems := g.Reload(); problems != nil || g.status(t, "new", "one") != 401 {
		t.Error("the doubt stays: ", problems)
	}
}

// An htpasswd file has its user names as tenants, and hashes of every kind that htpasswd makes.
func TestTheHtpasswdFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".next", path); err != nil {
			t.Fatal(err)
		}
	}
	// apr1 and SHA of "secret", as Apache's program makes them.
	const apr1, sha = "$apr1$TAlkMsDV$exrHUAv9ytMWvG1vxlJ5U/", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	write("# clients\n\nteam-b:" + hashOf(t, "one") + "\r\nteam-1:" + apr1 + ":a comment\nteam-2:" + sha)
	g := startFolder(t, "htpasswd_file = \""+path+"\"\n", nobodyYet)
	for user, password := range map[string]string{"team-b": "one", "team-1": "secret", "team-2": "secret"} {
		if got := g.status(t, user, password); got != 200 {
			t.Errorf("%s gets %d", user, got)
		}
	}
	// 401 or, where slow checks that fail take too long for this machine, 503.
	if g.status(t, "team-b", "two") == 200 {
		t.Error("a wrong password is taken")
	}
	inError := func(want bool) {
		t.Helper()
		eventually(t, fmt.Sprintf("the file is in error: %v", want), func() bool {
			return strings.Contains(g.ready(t), "source auth.htpasswd_file: users: ") == want
		})
	}
	stop := g.pushing(t, "team-2", "secret")
	write("team-b:" + hashOf(t, "two") + "\nteam-2:" + sha + "\n")
	g.becomes(t, "team-b", "two", 200)
	if g.status(t, "team-1", "secret") == 200 {
		t.Error("a user that is gone is taken")
	}
	for _, broken := range []string{"team-b", "team-b:plain\n", "team/b:" + sha, ":" + sha, ""} {
		write(broken)
		inError(true)
		if g.status(t, "team-b", "two") != 200 || g.status(t, "nobody", "x") != 503 {
			t.Errorf("%q took away what was good, or refuses for good what may be in it", broken)
		}
		write("team-b:" + hashOf(t, "two") + "\nteam-2:" + sha + "\n")
		inError(false)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	inError(true)
	if g.status(t, "team-b", "two") == 401 || g.status(t, "nobody", "x") != 503 {
		t.Error("a file that is away took somebody with it")
	}
	stop()
	if log := g.log.String(); strings.Contains(log, sha) || strings.Contains(log, "plain\"") {
		t.Error("a hash is in the log")
	}
}

// A credential stays good for expiry_grace after it has ended.
func TestExpiryGrace(t *testing.T) {
	ended := tenant("team-a", "a", "one") + "expires = 2020-01-01T00:00:00Z\n"
	for grace, want := range map[string]int{"0s": 401, "1000000h": 200} {
		g := startFolder(t, fmt.Sprintf("expiry_grace = %q\n", grace)+ended, map[string]string{
			"b.toml": strings.NewReplacer("team-a", "team-b", `"a"`, `"b"`).Replace(ended),
		})
		if a, b := g.status(t, "a", "one"), g.status(t, "b", "one"); a != want || b != want {
			t.Errorf("with expiry_grace = %s: %d from the file and %d from the folder, want %d", grace, a, b, want)
		}
	}
}
