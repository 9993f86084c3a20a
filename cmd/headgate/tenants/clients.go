package tenants

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
	"github.com/headgate/headgate/cmd/headgate/sources"
)

// Clients are those in etcd, as the commands see them. What they print goes to Out; secrets are hidden in it, but for a
// password that was made a moment ago.
type Clients struct {
	Store   *fleet.Store
	Reader  *config.SharedTenants
	Gateway *sources.Trial // what a gateway would make of it; of nothing yet
	Out     io.Writer
	DryRun  bool // say what would change, and change nothing
}

// List prints one line for each client. A value that gateways skip is listed with what is wrong with it.
func (c Clients) List(ctx context.Context) error {
	all, err := c.all(ctx)
	if err != nil {
		return err
	}
	skipped := c.Gateway.Skipped()
	w := tabwriter.NewWriter(c.Out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CLIENT\tTENANT\tBY\tSCOPES\tEXPIRES")
	clients := 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if problem, bad := skipped[key]; bad {
			_, _ = fmt.Fprintf(w, "%s\t-\tskipped: %v\n", printable(key), problem)
			continue
		}
		if v := all[key]; v.There() {
			clients++
			t, _ := c.Reader.Tenant(v.Text) // which the gateway takes
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable(key), t.ID, t.By(), strings.Join(t.Scopes, ","), t.Expires)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := c.note(c.Gateway.Limits()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%d clients, %d skipped\n", clients, len(skipped))
	return err
}

// all reads all keys, and has the gateway take what is there.
func (c Clients) all(ctx context.Context) (map[string]fleet.Value, error) {
	all, err := c.Store.List(ctx)
	if err == nil {
		c.Gateway.Put(valuesThat(all, func(string) bool { return true }))
	}
	return all, err
}

// valuesThat are those of the clients that are there, as far as they are wanted.
func valuesThat(all map[string]fleet.Value, wanted func(text string) bool) map[string]string {
	values := map[string]string{}
	for key, v := range all {
		if v.There() && wanted(v.Text) {
			values[key] = v.Text
		}
	}
	return values
}

// note prints what an operator should know of.
func (c Clients) note(problems []string) error {
	for _, problem := range problems {
		if _, err := fmt.Fprintf(c.Out, "note: %s\n", problem); err != nil {
			return err
		}
	}
	return nil
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
	if err == nil && !v.There() {
		err = fmt.Errorf("%q is not there; headgate tenants list shows who is", name)
	}
	return v, err
}

// printable is a key that may hold anything, for a line of a terminal.
func printable(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\ufffd' }) || key == "" {
		return fmt.Sprintf("%q", key)
	}
	return key
}
