package proxy

import "sync/atomic"

// heldBudget bounds the bytes of bodies that are kept for a further attempt, over all requests of the process. The zero
// value has no limit.
type heldBudget struct {
	limit atomic.Int64 // bytes; 0: none
	used  atomic.Int64
}

// hold reports whether n more bytes of a push may be kept, and counts them.
func (b *heldBudget) hold(n int64) bool { return b.upTo(b.limit.Load(), n) }

// holdOther is hold for what is no push: that gets nothing when half is in use.
func (b *heldBudget) holdOther(n int64) bool { return b.upTo((b.limit.Load()+1)/2, n) }

// upTo is hold with a limit.
func (b *heldBudget) upTo(limit, n int64) bool {
	if b.used.Add(n) <= limit || limit == 0 {
		return true
	}
	b.used.Add(-n)
	return false
}

// drop takes back what hold counted.
func (b *heldBudget) drop(n int64) { b.used.Add(-n) }
