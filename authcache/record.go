package authcache

import (
	"sync/atomic"

	"github.com/headgate/headgate/authcache/verify"
)

// record is one configured credential: one version of one secret. A changed password is another record; changed rights
// are another identity of the same one. There is one for every credential in memory, so its size counts: 80 bytes.
type record struct {
	identity atomic.Pointer[Identity] // who presents it
	slow     *slowSecret              // immutable; nil for a secret known in plain text
	user     string                   // immutable; of Basic, else empty

	// Guarded by Cache.mu.
	seen     uint32  // the round of Replace that last found it in its source
	part     uint8   // of the static table, that it is in
	nextName *record // the next record of the same user name
	owner    owner   // the sources that have it: the first one here, the rest behind it
}

// owner is a source that has a record. The same credential in two sources is one record with two owners, so that a
// client can move from one file to another without a moment in neither.
type owner struct {
	source *source // nil: the record has no owner left
	where  string
	next   *owner
}

// slowSecret is what a record has instead of a plain secret.
type slowSecret struct {
	digest digest      // immutable; of the stored hash
	hash   verify.Hash // immutable

	proof atomic.Pointer[digest] // of the secret that matched; nil until one did
	gone  atomic.Bool            // set once, when no source has the record any more: it must never answer again
}

// ownedBy returns the owner entry of this source, nil if there is none.
func (r *record) ownedBy(s *source) *owner {
	for o := &r.owner; o != nil; o = o.next {
		if o.source == s {
			return o
		}
	}
	return nil
}

// ownedByOther returns an owner that is another source, nil if there is none.
func (r *record) ownedByOther(s *source) *owner {
	for o := &r.owner; o != nil; o = o.next {
		if o.source != nil && o.source != s {
			return o
		}
	}
	return nil
}

// own makes the source an owner.
func (r *record) own(s *source, where string) {
	if r.owner.source == nil {
		r.owner = owner{source: s, where: where}
		return
	}
	r.owner.next = &owner{source: s, where: where, next: r.owner.next}
}

// disown takes the source out, and reports whether nobody owns the record now.
func (r *record) disown(s *source) bool {
	if r.owner.source == s {
		if r.owner.next == nil {
			r.owner = owner{}
			return true
		}
		r.owner = *r.owner.next
		return false
	}
	for o := &r.owner; o.next != nil; o = o.next {
		if o.next.source == s {
			o.next = o.next.next
			break
		}
	}
	return false
}

// orphan reports whether no source has the record.
func (r *record) orphan() bool { return r.owner.source == nil }
