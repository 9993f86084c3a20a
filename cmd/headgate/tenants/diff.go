package tenants

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// shown is a value as a [[tenants]] table without secrets; nothing for no value.
func (c Clients) shown(text string) (string, error) {
	lines, err := c.lines(text)
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
	}
	return b.String(), err
}

// line is one line of such a table.
type line struct {
	text   string
	secret string // that stands behind it, "" for none
}

// lines are a value line by line, each with the secret that it does not show.
func (c Clients) lines(text string) ([]line, error) {
	if text == "" {
		return nil, nil
	}
	t, err := c.Reader.Tenant(text)
	if err != nil {
		return nil, fmt.Errorf("the value is skipped by every gateway: %w", err)
	}
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(struct {
		Tenants []config.Tenant `toml:"tenants"`
	}{[]config.Tenant{*t}}); err != nil {
		return nil, err
	}
	secrets := map[string]config.Secret{
		"password_hash": t.PasswordHash, "password_sha256": t.PasswordSHA256, "token_sha256": t.TokenSHA256,
	}
	var lines []line
	for text := range strings.Lines(b.String()) {
		key, _, _ := strings.Cut(text, " = ")
		lines = append(lines, line{text, string(secrets[key])})
	}
	return lines, nil
}

// diff prints what would change, line by line: only what is different, and secrets as <secret>.
func (c Clients) diff(before, after string) error {
	was, err := c.lines(before)
	if err != nil {
		was = []line{{text: "# " + err.Error() + "\n"}}
	}
	will, err := c.lines(after)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, l := range was {
		if !slices.Contains(will, l) {
			out.WriteString("- " + l.text)
		}
	}
	for _, l := range will {
		if !slices.Contains(was, l) {
			out.WriteString("+ " + l.text)
		}
	}
	if out.Len() == 0 {
		out.WriteString("nothing would change\n")
	}
	_, err = io.WriteString(c.Out, out.String())
	return err
}
