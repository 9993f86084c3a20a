package proxy

// slowLane bounds who may keep connections of an upstream for as long as somebody else likes: reads, and requests whose body is
// still coming when they get one. Each of the two gets no more than three quarters of the connections, and both together
// leave an eighth, or one of four, so that neither queries nor slow clients keep pushes waiting that are whole.
type slowLane struct{ reads, bodies, both slots }

// giveLanes gives each pool that takes anything but reads its lane.
func giveLanes(routes []*route) {
	lanes := make(ofPools[slowLane])
	for _, r := range routes {
		if r.Pool != nil && !r.isRead() {
			lanes.of(r.Pool)
		}
	}
	for _, r := range routes {
		r.lane = lanes[r.Pool]
	}
}

// fit makes the lane that of a pool with so many connections as it has now; 0: any number, because they have no limit or
// there is no host.
func (l *slowLane) fit(connections int) {
	most := int64(connections)
	each := most - most/4
	both := most - max(most/8, min(most/4, 1))
	l.reads.bound(each)
	l.bodies.bound(each)
	l.both.bound(both)
}

// admitRead lets a read have its share of the connections of an upstream that takes other requests as well.
func (x *exchange) admitRead() *failure {
	l := x.route.lane
	if l == nil || !x.route.isRead() || x.enter(l, &l.reads) {
		return nil
	}
	return refuseFor(noConnection, "pushes go there too, and a quarter of them is kept from reads")
}

// admitBody lets a request whose body is still coming have its share of the connections of its upstream.
func (x *exchange) admitBody() *failure {
	l := x.route.lane
	if l == nil || x.out.whole || x.lane != nil || x.enter(l, &l.bodies) {
		return nil
	}
	return refuseFor(noConnection, "a quarter of them is kept from bodies that are still coming")
}

// bodyCame says that the whole body has come after all.
func (x *exchange) bodyCame() {
	if x.lane != nil && x.laneSlots[0].of == &x.lane.bodies {
		x.leaveLane()
	}
}

// enter takes a slot of a lane for a kind, waiting for one if need be, and reports whether it got one.
func (x *exchange) enter(l *slowLane, kind *slots) bool {
	l.fit(x.route.Pool.MaxConnections())
	one, ok := x.waitForSlot(kind, x.payer())
	if !ok {
		return false
	}
	both, ok := x.waitForSlot(&l.both, x.payer())
	if !ok {
		one.free()
		return false
	}
	x.lane, x.laneSlots = l, [2]slot{one, both}
	return true
}

// leaveLane gives the slots back, if there are any.
func (x *exchange) leaveLane() {
	if x.lane != nil {
		x.laneSlots[0].free()
		x.laneSlots[1].free()
		x.lane, x.laneSlots = nil, [2]slot{}
	}
}
