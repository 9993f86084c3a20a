package authcache

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// ofClients are entries of clients from first to last.
func ofClients(first, last int) []Entry {
	var entries []Entry
	for i := first; i <= last; i++ {
		entries = append(entries, plain("t", fmt.Sprintf("client-%02d", i), "secret"))
	}
	return entries
}

func TestMassRemovalIsHeld(t *testing.T) {
	rotated := ofClients(1, 20)
	for i := range rotated {
		rotated[i].Password = "next"
	}
	double := append(ofClients(1, 10), rotated[:10]...)
	tests := []struct {
		name   string
		before []Entry
		after  []Entry
		held   int // credentials; 0: it is applied
	}{
		{"all of ten", ofClients(1, 10), nil, 10},
		{"all of nine", ofClients(1, 9), nil, 0},
		{"half of ten", ofClients(1, 10), ofClients(1, 5), 0},
		{"more than half of ten", ofClients(1, 10), ofClients(1, 4), 6},
		{"more than half, others added", ofClients(1, 10), ofClients(7, 40), 6},
		{"half of eleven, rounded up", ofClients(1, 11), ofClients(1, 5), 6},
		{"half of eleven, rounded down", ofClients(1, 11), ofClients(1, 6), 0},
		{"every password is another", ofClients(1, 20), rotated, 0},
		{"the old passwords go", double, rotated[:10], 0},
		{"clients of two passwords go", double, append(ofClients(1, 4), rotated[:4]...), 12},
		{"the client is of another tenant", ofClients(1, 10), func() []Entry {
			entries := ofClients(1, 10)
			for i := range entries {
				entries[i].Identity = &Identity{Tenant: "other", Client: entries[i].User}
				entries[i].Password = "next"
			}
			return entries
		}(), 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := opened(Options{})
			defer c.Close()
			mustReplace(t, c, "folder", test.before...)
			mustReplace(t, c, "file", plain("f", "other", "secret"))
			change, err := c.Replace("folder", test.after, HoldRemovals)
			if test.held == 0 {
				if err != nil || c.Len() != 1+len(test.after) {
					t.Fatalf("%v, %d credentials", err, c.Len())
				}
				return
			}
			held, ok := errors.AsType[*HeldError](err)
			if !ok || !errors.Is(err, ErrHeld) || held.Removed != test.held || held.Of != len(test.before) || !change.Empty() || c.Len() != 1+len(test.before) {
				t.Fatalf("%v, %d credentials, change %v", err, c.Len(), change)
			}
			for _, e := range test.before {
				expect(t, c, basic(e.User, e.Password), Accepted, "t")
			}
			expect(t, c, basic("client-40", "secret"), Unready, "") // it may be in the set that is held
			if n := c.heldBack.Load(); n != int64(test.held) {
				t.Errorf("%d are held by the metric", n)
			}
			// Read again, it is held again; another source is not touched by that.
			if _, err := c.Replace("folder", test.after, HoldRemovals); !errors.Is(err, ErrHeld) || c.heldBack.Load() != int64(test.held) {
				t.Error(err)
			}
			mustReplace(t, c, "file")
			sources := c.Sources()
			if !reflect.DeepEqual(sources[1].Held, held.Clients) || sources[1].Err == nil || sources[0].Held != nil {
				t.Errorf("sources %+v", sources)
			}
			// Without the option somebody has asked for it.
			mustReplace(t, c, "folder", test.after...)
			if c.Len() != len(test.after) || c.heldBack.Load() != 0 || c.Sources()[1].Held != nil {
				t.Errorf("%d credentials after it was accepted", c.Len())
			}
			expect(t, c, basic("nobody", "secret"), Rejected, "")
		})
	}
}

func TestAHeldRemovalThatComesBackIsForgotten(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "folder", ofClients(1, 30)...)
	_, err := c.Replace("folder", nil, HoldRemovals)
	if want := "would take away 30 of 30 credentials (client-01, client-02"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "and 20 more") {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, err := c.Replace("folder", ofClients(1, 30), HoldRemovals); err != nil || c.heldBack.Load() != 0 {
		t.Error(err)
	}
	expect(t, c, basic("nobody", "secret"), Rejected, "")
	// What another source has as well is not taken away.
	mustReplace(t, c, "file", ofClients(1, 30)...)
	if _, err := c.Replace("folder", nil, HoldRemovals); err != nil {
		t.Error(err)
	}
	// A damaged set is no held one.
	if _, err := c.Replace("file", []Entry{{}}, HoldRemovals); errors.Is(err, ErrHeld) || c.heldBack.Load() != 0 {
		t.Error(err)
	}
	expect(t, c, basic("client-01", "secret"), Accepted, "t")
}
