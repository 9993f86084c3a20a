package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// Setting is what Set is asked for.
type Setting struct {
	Username string
	// Change puts what was asked for into the entry, and leaves the rest of it as it is.
	Change func(*config.Tenant)
	// Password is the one to set; "": a client that is there keeps its own, and one that is new is given one.
	Password string
	// NewPassword gives a client that is there a new one too.
	NewPassword bool
}

// Set changes a client, or makes it. A password that was made is printed once, and known to nobody but the reader.
func (c Clients) Set(ctx context.Context, s Setting) error {
	all, err := c.Store.List(ctx)
	if err != nil {
		return err
	}
	before := all[s.Username]
	t := &config.Tenant{Username: s.Username}
	if before.There() {
		if t, err = c.Reader.Tenant(before.Text); err != nil {
			return fmt.Errorf("%q holds what no gateway can use: %w; delete it first", s.Username, err)
		}
		if t.Username != s.Username {
			return fmt.Errorf("%q is not known by a user name and a password; delete it first, or choose another name", s.Username)
		}
	}
	s.Change(t)
	made := ""
	switch {
	case s.Password != "":
		hash, err := config.HashPassword(s.Password, bcrypt.DefaultCost)
		if err != nil {
			return err
		}
		t.PasswordHash, t.PasswordSHA256 = hash, ""
	case !before.There() || s.NewPassword:
		var sum string
		made, sum = config.NewPassword()
		t.PasswordHash, t.PasswordSHA256 = "", config.Secret(sum)
	}
	text := t.Shared()
	if _, err := c.Reader.Tenant(text); err != nil {
		return errors.Join(errors.New("this would be no client"), err)
	}
	c.Gateway.Put(valuesThat(all, related(t)))
	notes, err := c.try(s.Username, text)
	if err != nil {
		return err
	}
	if c.DryRun {
		return errors.Join(c.diff(before.Text, text), c.note(notes))
	}
	if text != before.Text {
		if err := c.Store.Put(ctx, fleet.Write{Key: s.Username, Text: text, Revision: before.Revision}); err != nil {
			return fmt.Errorf("%q: %w", s.Username, err)
		}
	}
	return errors.Join(c.report(s.Username, !before.There(), text != before.Text, made), c.note(notes))
}

// related reports whether a value may be in the way of a client: its name, its secret or its tenant stand somewhere in it.
// To read every value would take seconds where there are very many.
func related(t *config.Tenant) func(text string) bool {
	words := []string{t.Username, t.ID, string(t.PasswordHash + t.PasswordSHA256)}
	return func(text string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
	}
}

// try has the gateway take a value. The error is that it would not; the notes are of limits, which may have to be changed
// at one key after the other.
func (c Clients) try(key, text string) (notes []string, err error) {
	before := c.Gateway.Limits()
	c.Gateway.Put(map[string]string{key: text})
	if problem, bad := c.Gateway.Skipped()[key]; bad {
		return nil, fmt.Errorf("no gateway would take it: %s", problem)
	}
	for _, problem := range c.Gateway.Limits() {
		if !slices.Contains(before, problem) {
			notes = append(notes, problem)
		}
	}
	return notes, nil
}

func (c Clients) report(name string, isNew, changed bool, password string) error {
	what := "unchanged"
	switch {
	case isNew:
		what = "added"
	case changed:
		what = "changed"
	}
	_, err := fmt.Fprintf(c.Out, "%s %s\n", what, printable(name))
	if password != "" && err == nil {
		_, err = fmt.Fprintf(c.Out, "password %s\n", password)
	}
	return err
}
