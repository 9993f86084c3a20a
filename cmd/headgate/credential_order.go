package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/admin"
)

// atWork is how lately credentials were used that are all the same to an operator: so that the order does not change with
// every push, and whoever is idle stands before them.
const atWork = time.Hour

// interest is how much an operator wants to see a credential, where not all can be shown.
type interest int

// The interests, the greatest first.
const (
	ends    interest = iota // soon, or it has just ended, or it was the last one of its tenant
	changes                 // its client has another one: is this one idle?
	used                    // by this process
	unused
	ended // long ago, and it was replaced
)

// byInterest puts credentials in the order in which an operator wants to see them. Those that end come in the order of
// byEnd, the others by their last use, the longest idle first, and as they were where there is no difference.
func byInterest(all []authcache.CredentialStatus, now time.Time) {
	several := make(map[client]int)
	for i := range all {
		several[client{all[i].Tenant, all[i].Client}]++
	}
	of := func(c *authcache.CredentialStatus) interest {
		left, limited := c.Left(now)
		switch {
		case limited && left < admin.Soon && (left > -admin.Soon || c.Last):
			return ends
		case limited && left <= 0:
			return ended
		case several[client{c.Tenant, c.Client}] > 1:
			return changes
		case !c.Used.IsZero():
			return used
		}
		return unused
	}
	type ranked struct {
		interest interest
		idle     time.Duration // for centuries, if it was never used
		status   authcache.CredentialStatus
	}
	ranks := make([]ranked, len(all)) // once for each: there may be a hundred thousand
	for i := range all {
		ranks[i] = ranked{of(&all[i]), max(now.Sub(all[i].Used), atWork), all[i]}
	}
	slices.SortStableFunc(ranks, func(a, b ranked) int {
		switch {
		case a.interest != b.interest:
			return cmp.Compare(a.interest, b.interest)
		case a.interest == ends || a.interest == ended:
			return byEnd(a.status, b.status, now)
		}
		return cmp.Compare(b.idle, a.idle)
	})
	for i := range ranks {
		all[i] = ranks[i].status
	}
}

// byEnd has credentials that end before those that have ended, the next first, and those by how lately.
func byEnd(a, b authcache.CredentialStatus, now time.Time) int {
	aEnded, bEnded := !now.Before(a.Expires), !now.Before(b.Expires)
	switch {
	case aEnded && bEnded:
		return b.Expires.Compare(a.Expires)
	case aEnded:
		return 1
	case bEnded:
		return -1
	}
	return a.Expires.Compare(b.Expires)
}
