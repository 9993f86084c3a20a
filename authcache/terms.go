package authcache

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Terms are when and from where a credential may be used. They never change.
type Terms struct {
	NotBefore time.Time      // zero: no beginning
	Expires   time.Time      // zero: no end
	Grace     time.Duration  // how long after Expires it is still taken
	AllowFrom []netip.Prefix // the client's addresses; empty: all. IPv4 as IPv4, not mapped into IPv6
}

// judge says whether the terms hold now, for a client at this address.
func (t *Terms) judge(from netip.Addr, now time.Time) Verdict {
	if !t.allows(from) {
		return Misplaced
	}
	return t.At(now)
}

// At says whether the terms hold at a moment, for a client at one of their addresses: Accepted, Early or Expired. nil terms
// always do.
func (t *Terms) At(now time.Time) Verdict {
	switch {
	case t == nil:
		return Accepted
	case !t.NotBefore.IsZero() && now.Before(t.NotBefore):
		return Early
	case !t.Expires.IsZero() && !now.Before(t.Expires.Add(t.Grace)):
		return Expired
	}
	return Accepted
}

// allows reports whether a client at this address may use the credential. The zero address, of a client without one, is
// in no prefix.
func (t *Terms) allows(from netip.Addr) bool {
	if t == nil || len(t.AllowFrom) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	for _, prefix := range t.AllowFrom {
		if prefix.Contains(from) {
			return true
		}
	}
	return false
}

func (t *Terms) validate() error {
	if t == nil {
		return nil
	}
	if !t.NotBefore.IsZero() && !t.Expires.IsZero() && !t.NotBefore.Before(t.Expires) {
		return fmt.Errorf("not_before %s is not before expires %s", t.NotBefore.Format(time.RFC3339), t.Expires.Format(time.RFC3339))
	}
	if t.Grace < 0 {
		return errors.New("expiry_grace is negative; want 0 or more")
	}
	for i, prefix := range t.AllowFrom {
		if !prefix.IsValid() || prefix.Addr().Is4In6() {
			return fmt.Errorf("allow_from[%d]: %s is no prefix; want one such as 10.0.0.0/8 or fd00::/8", i, prefix)
		}
	}
	return nil
}

func (t *Terms) equal(other *Terms) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.NotBefore.Equal(other.NotBefore) && t.Expires.Equal(other.Expires) && t.Grace == other.Grace &&
		slices.Equal(t.AllowFrom, other.AllowFrom)
}
