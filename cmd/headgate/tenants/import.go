package tenants

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// Import writes many clients; those that are there already are replaced. An entry that cannot be in etcd, or that gateways
// would skip, is left out, and the error names all of those.
func (c Clients) Import(ctx context.Context, entries []config.Tenant) error {
	values, left := valuesOf(entries)
	there, err := c.all(ctx)
	if err != nil {
		return err
	}
	fresh := make(map[string]string, len(values))
	for key, text := range values {
		if there[key].Text != text {
			fresh[key] = text
		}
	}
	unchanged := len(values) - len(fresh)
	c.Gateway.Put(fresh)
	skipped := c.Gateway.Skipped()
	var writes []fleet.Write
	added := 0
	for _, key := range slices.Sorted(maps.Keys(fresh)) {
		before := there[key]
		if problem, bad := skipped[key]; bad {
			left = append(left, fmt.Errorf("%s: %s", printable(key), problem))
			continue
		}
		if !before.There() {
			added++
		}
		writes = append(writes, fleet.Write{Key: key, Text: fresh[key], Revision: before.Revision})
	}
	if c.DryRun {
		for _, w := range writes {
			if _, err := fmt.Fprintf(c.Out, "%s:\n", printable(w.Key)); err != nil {
				return err
			}
			if err := c.diff(there[w.Key].Text, w.Text); err != nil {
				return err
			}
		}
	} else if done, err := c.Store.PutAll(ctx, writes); err != nil {
		return fmt.Errorf("after %d of %d clients: %w", done, len(writes), err)
	}
	verb := map[bool]string{true: "would be ", false: ""}[c.DryRun]
	if _, err := fmt.Fprintf(c.Out, "%d %sadded, %d %schanged, %d unchanged, %d left out\n",
		added, verb, len(writes)-added, verb, unchanged, len(left)); err != nil {
		return err
	}
	if err := c.note(c.Gateway.Limits()); err != nil {
		return err
	}
	return errors.Join(left...)
}

// valuesOf are the values of entries by key: the name that a client is known by, and a number for each further credential
// of one name.
func valuesOf(entries []config.Tenant) (values map[string]string, left []error) {
	values = make(map[string]string, len(entries))
	for i := range entries {
		t := entries[i]
		if err := t.Share(); err != nil {
			left = append(left, fmt.Errorf("tenants[%d]: %w", i, err))
			continue
		}
		name := t.KeyName()
		key := name
		for n := 2; values[key] != ""; n++ {
			key = fmt.Sprintf("%s+%d", name, n)
		}
		values[key] = t.Shared()
	}
	return values, left
}
