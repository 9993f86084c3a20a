package config

import (
	"strings"
	"testing"
)

// What /config shows is a configuration that means the same, but for its secrets.
func TestRedactedLoadsAgain(t *testing.T) {
	dir := copyTestdata(t)
	for _, name := range []string{"minimal.good.toml", "all.good.toml", "full.good.toml", "warnings.good.toml"} {
		t.Run(name, func(t *testing.T) {
			c, _ := Load(dir+"/"+name, goldenOptions())
			shown := c.Redacted()
			if name == "full.good.toml" {
				golden(t, "full.redacted.txt", string(shown))
			}
			again, problems := Parse(dir+"/again.toml", withHash(shown), goldenOptions())
			if problems.Errors() > 0 {
				t.Fatalf("%v in:\n%s", problems, shown)
			}
			if tableText(again.RouteTable()) != tableText(c.RouteTable()) {
				t.Errorf("another route table:\n%s", tableText(again.RouteTable()))
			}
			if second := again.Redacted(); !strings.HasSuffix(string(shown), string(second)) {
				t.Errorf("shown again it differs:\n%s\nfirst:\n%s", second, shown)
			}
		})
	}
}

// withHash puts a hash in the place of each redacted one.
func withHash(shown []byte) []byte {
	const sum = `_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
	return []byte(strings.NewReplacer(
		`password_hash = "<secret>"`, `password_hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"`,
		`_sha256 = "<secret>"`, sum,
	).Replace(string(shown)))
}
