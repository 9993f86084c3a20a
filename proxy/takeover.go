package proxy

import "slices"

// takeOver lets what is under way with the table before count in this one as well, because a reload ends no request: each
// route goes on with the slots of the same route, each slow lane with those of the lane that its routes had, if they led to
// the same upstream, and the connections of a pool with those of the pool that its hosts come from.
func (t *routeTable) takeOver(before *routeTable) {
	lanes := make(map[*slowLane]*slowLane) // by the new one
	taken := make(map[*slowLane]bool)      // of before
	for _, r := range t.all {
		old := before.same(r)
		if old == nil {
			continue
		}
		r.slots = old.slots
		r.slots.bound(int64(r.MaxInFlight))
		if r.lane != nil && old.lane != nil && r.Upstream == old.Upstream && lanes[r.lane] == nil && !taken[old.lane] {
			lanes[r.lane], taken[old.lane] = old.lane, true
		}
	}
	for _, r := range t.all {
		if old := lanes[r.lane]; old != nil {
			r.lane = old
		}
	}
	keepConnections(t.all, before.all)
}

// same is the route for the same requests; nil when there is none.
func (t *routeTable) same(r *route) *route {
	for _, old := range t.all {
		if old.Path == r.Path && old.Prefix == r.Prefix && slices.Equal(old.Methods, r.Methods) {
			return old
		}
	}
	return nil
}
