package authcache

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// addresses finds who a request without credentials is, by where it comes from. The list never changes; it is replaced as
// a whole. It is short, and only requests without credentials look at it.
type addresses struct {
	list atomic.Pointer[[]openPrefix]
}

// openPrefix is a range of addresses that need no credential.
type openPrefix struct {
	prefix netip.Prefix
	record *record
	entry  string // all prefixes of the record, which is what tells it from others
}

// find returns who a request from this address is now: whose smallest network it is in, of those that are in force. An entry
// that has ended, or has not begun, is as good as none. When there is no other one, the verdict is what is wrong with the
// one of the smallest network, Rejected if there is none at all.
func (a *addresses) find(from netip.Addr, now time.Time) (*record, Verdict) {
	refusal := Rejected
	list := a.list.Load()
	if list == nil {
		return nil, refusal
	}
	from = from.Unmap().WithZone("")
	for _, open := range *list {
		if !open.prefix.Contains(from) {
			continue
		}
		verdict := open.record.identity.Load().Terms.At(now)
		if verdict == Accepted {
			return open.record, Accepted
		}
		if refusal == Rejected {
			refusal = verdict
		}
	}
	return nil, refusal
}

// renew makes the list of these records, the smallest networks first. The order is always the same: several entries of one
// client may have the same network, and the first that is in force counts.
func (a *addresses) renew(records map[digest]*record) {
	if len(records) == 0 {
		a.list.Store(nil)
		return
	}
	var list []openPrefix
	for _, r := range records {
		allowed := r.identity.Load().Terms.AllowFrom
		entry := string(prefixText(allowed))
		for _, prefix := range allowed {
			list = append(list, openPrefix{prefix.Masked(), r, entry})
		}
	}
	slices.SortFunc(list, func(a, b openPrefix) int {
		return cmp.Or(-cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.entry, b.entry))
	})
	a.list.Store(&list)
}

// withoutCredential says who a request without credentials is.
func (c *Cache) withoutCredential(from netip.Addr) (*Identity, Verdict) {
	settled := c.settled()
	r, verdict := c.openTo.find(from, time.Now())
	if verdict == Accepted {
		r.touch(c.minute.now.Load())
		c.metrics.slowStatic.Add(1)
		return r.identity.Load(), Accepted
	}
	c.metrics.misses.Inc()
	if !settled {
		verdict = Unready
	}
	return nil, verdict
}

// prefixText is one text for one set of prefixes, in whatever order.
func prefixText(prefixes []netip.Prefix) []byte {
	sorted := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		sorted[i] = prefix.Masked().String()
	}
	slices.Sort(sorted)
	var text []byte
	for _, prefix := range slices.Compact(sorted) {
		text = append(append(text, prefix...), ' ')
	}
	return text
}

// sameAddresses checks that no two credentials of nobody have one and the same prefix: which of them a request is would be
// a matter of chance. Those of the new entries that came before are in prefixes.
func (c *Cache) sameAddresses(s *source, e *Entry, d digest, prefixes map[netip.Prefix]*Entry, p *plan) error {
	for _, prefix := range e.Identity.Terms.AllowFrom {
		prefix = prefix.Masked()
		if other := prefixes[prefix]; other != nil && !sameClient(other.Identity, e.Identity) {
			return openTwiceError(prefix, other.Where)
		}
		for theirs, r := range c.open {
			o := p.stays(s, r)
			if o == nil || theirs == d {
				continue
			}
			identity := r.identity.Load()
			for _, held := range identity.Terms.AllowFrom {
				if held.Masked() == prefix && !sameClient(identity, e.Identity) {
					return openTwiceError(prefix, o.where)
				}
			}
		}
	}
	return nil
}

func sameClient(a, b *Identity) bool {
	return a.Tenant == b.Tenant && a.Client == b.Client && a.Scopes == b.Scopes
}

func openTwiceError(prefix netip.Prefix, where string) error {
	return fmt.Errorf("%s is open to another tenant, name or scopes at %s; want it once", prefix, where)
}
