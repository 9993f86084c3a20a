package config

import (
	"bytes"
	"fmt"

	"github.com/BurntSushi/toml"
)

// Redacted is the configuration in effect as TOML, with every secret, hash and
// userinfo as <secret>. Automatic values are what they amount to, and are listed
// at the top.
func (c Config) Redacted() []byte {
	var b bytes.Buffer
	for _, d := range c.Derived() {
		fmt.Fprintf(&b, "# %s is %s by auto\n", d.Key, d.Value)
	}
	shown := c
	shown.Upstreams = make(Upstreams, len(c.Upstreams))
	for name, u := range c.Upstreams {
		shown.Upstreams[name] = u.effective(name)
	}
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(shown); err != nil {
		panic("BUG: the configuration cannot be written: " + err.Error())
	}
	return b.Bytes()
}

// effective is the upstream with the deadlines of its component. Under all they
// differ from route to route and stay unset.
func (u *Upstream) effective(name string) *Upstream {
	filled := *u
	if name != All {
		usual := deadlinesOf(name)
		filled.Timeout = OptDuration{u.Timeout.or(usual.whole), true}
		filled.ReadTimeout = OptDuration{u.ReadTimeout.or(usual.read), true}
	}
	return &filled
}

// Format prints Redacted whatever the verb: package fmt would show what is behind
// a pointer without asking the secrets there.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write(c.Redacted()) }

// Format prints the URLs without their userinfo.
func (u Upstream) Format(f fmt.State, _ rune) {
	urls := u.URLs
	if u.URL != "" {
		urls = append([]URL{u.URL}, urls...)
	}
	fmt.Fprint(f, urls)
}
