package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestAUserNameThatIsThereTwice is a warning: Apache takes the first line alone, and here both passwords are good.
func TestAUserNameThatIsThereTwice(t *testing.T) {
	const sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	c := mustParse(t, "")
	for _, test := range []struct {
		text string
		want string // "": no warning about it
	}{
		{"a:" + sha + "\nb:" + sha + "\n", ""},
		{"a:" + sha + "\n# a\nb:" + sha + "\n\na:" + sha + ":again\n", `warning: htpasswd: line 5: user "a" is in line 1 too: each of the passwords is good, where Apache takes the first alone`},
		{sha + "\n" + sha + "\n", ""},
	} {
		found, problems := c.ParseHtpasswd("users", []byte(test.text), Options{NoFiles: true, Env: noEnv})
		text := fmt.Sprint(problems)
		if strings.Contains(text, "too:") != (test.want != "") || !strings.Contains(text, test.want) || strings.Contains(text, sha) {
			t.Errorf("%q: %s", test.text, text)
		}
		if test.want != "" && len(found.Entries) != 3 {
			t.Errorf("%q: %d entries", test.text, len(found.Entries))
		}
	}
}
