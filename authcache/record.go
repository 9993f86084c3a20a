package authcache

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// record is one configured credential: one version of one secret. A changed password is another record; changed rights
// are another identity of the same one. There is one for every credential in memory, so its size counts: 96 bytes. A
// token that was verified is a record too, which no source owns.
type record struct {
	identity atomic.Pointer[Identity] // who presents it
	hashed   *hashedSecret            // immutable; nil for a secret known in plain text, and where there is none
	token    *token                   // immutable; nil for what a source has
	user     string                   // immutable; of Basic, else empty
	used     atomic.Uint32            // the minute of its last use, where its slot in the static table does not tell
	scheme   Scheme                   // immutable

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

// hashedSecret is what a record has instead of a plain secret.
type hashedSecret struct {
	digest digest      // immutable; of the stored hash
	hash   verify.Hash // immutable; nil for a SHA-256, which the digest stands for

	proof atomic.Pointer[proof] // that a secret matched; nil until one did
	gone  atomic.Bool           // set once, when no source has the record any more: it must never answer again
}

// proof is a secret that matched, and when it did.
type proof struct {
	digest digest
	at     time.Time
}

// slow reports whether the secret is checked against a slow hash.
func (r *record) slow() bool { return r.hashed != nil && r.hashed.hash != nil }

// static reports whether the record is in the static table.
func (r *record) static() bool { return r.scheme != Anonymous && !r.slow() }

// touch notes that the credential was used in this minute.
func (r *record) touch(minute uint32) {
	if r.used.Load() != minute {
		r.used.Store(minute)
	}
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
