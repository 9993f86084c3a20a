package proxy

import "github.com/headgate/headgate/balancer"

// takeConnection takes one of the connections that the hosts of the upstream may have together, waiting for one if need be.
// Which it is the balancer says; here it is shared out who gets one.
func (x *exchange) takeConnection() *failure {
	pool := x.route.Pool
	x.route.connections.bound(int64(pool.MaxConnections()))
	if x.takeSlot(x.route.connections, x.payer()) {
		return nil
	}
	if host := pool.Pick(nil); host != nil {
		host.Missed()
	}
	return refuse(noConnection)
}

// keepConnections makes routes count on with the slots of before where their pool has taken over hosts: what is under way
// there still has their connections.
func keepConnections(routes, before []*route) {
	slotsOf := make(map[*balancer.Host]*slots)
	for _, r := range before {
		if r.Pool != nil {
			for _, h := range r.Pool.Hosts() {
				slotsOf[h] = r.connections
			}
		}
	}
	for _, r := range routes {
		if r.Pool == nil {
			continue
		}
		for _, h := range r.Pool.Hosts() {
			if slotsOf[h] != nil {
				r.connections = slotsOf[h]
			}
		}
	}
}
