package tenants

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/BurntSushi/toml"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// Clients are those in etcd, as the commands see them. What they print goes to Out; secrets are hidden in it, but for a
// password that was made a moment ago.
type Clients struct {
	Store  *fleet.Store
	Reader *config.SharedTenants
	Out    io.Writer
	DryRun bool // say what would change, and change nothing
}

// List prints one line for each client. A value that gateways skip is listed with what is wrong with it.
func (c Clients) List(ctx context.Context) error {
	all, err := c.Store.List(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.Out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CLIENT\tTENANT\tBY\tSCOPES\tEXPIRES")
	bad := 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		t, err := c.Reader.Tenant(all[key].Text)
		if err != nil {
			bad++
			_, _ = fmt.Fprintf(w, "%s\t-\tskipped: %v\n", printable(key), err)
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable(key), t.ID, t.By(), strings.Join(t.Scopes, ","), t.Expires)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%d clients, %d skipped\n", len(all)-bad, bad)
	return err
}

// Get prints one client as a [[tenants]] table.
func (c Clients) Get(ctx context.Context, name string) error {
	v, err := c.existing(ctx, name)
	if err != nil {
		return err
	}
	text, err := c.shown(v.Text)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.Out, text)
	return err
}

// Delete takes a client out.
func (c Clients) Delete(ctx context.Context, name string) error {
	v, err := c.existing(ctx, name)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.diff(v.Text, "")
	}
	if err := c.Store.Delete(ctx, name, v.Revision); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	_, err = fmt.Fprintf(c.Out, "deleted %s\n", printable(name))
	return err
}

// existing reads a client that has to be there.
func (c Clients) existing(ctx context.Context, name string) (fleet.Value, error) {
	v, err := c.Store.Get(ctx, name)
	if err == nil && v.Revision == 0 {
		err = fmt.Errorf("%q is not there; headgate tenants list shows who is", name)
	}
	return v, err
}

// shown is a value as a [[tenants]] table without secrets; nothing for no value.
func (c Clients) shown(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	t, err := c.Reader.Tenant(text)
	if err != nil {
		return "", fmt.Errorf("the value is skipped by every gateway: %w", err)
	}
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	err = e.Encode(struct {
		Tenants []config.Tenant `toml:"tenants"`
	}{[]config.Tenant{*t}})
	return b.String(), err
}

// diff prints what would change, line by line: only what is different, and a secret as different without showing it.
func (c Clients) diff(before, after string) error {
	was, err := c.shown(before)
	if err != nil {
		was = "# " + err.Error() + "\n"
	}
	will, err := c.shown(after)
	if err != nil {
		return err
	}
	old, fresh := slices.Collect(strings.Lines(was)), slices.Collect(strings.Lines(will))
	var out strings.Builder
	for _, l := range old {
		if !slices.Contains(fresh, l) {
			out.WriteString("- " + l)
		}
	}
	for _, l := range fresh {
		if !slices.Contains(old, l) {
			out.WriteString("+ " + l)
		}
	}
	switch {
	case before == after:
		out.WriteString("nothing would change\n")
	case out.Len() == 0:
		out.WriteString("~ the secret\n")
	}
	_, err = io.WriteString(c.Out, out.String())
	return err
}

// printable is a key that may hold anything, for a line of a terminal.
func printable(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\ufffd' }) || key == "" {
		return fmt.Sprintf("%q", key)
	}
	return key
}
