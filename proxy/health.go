package proxy

import "time"

// patienceWithUpstreams is how long an upstream may be without a healthy host before balancers are told to send their
// clients elsewhere: longer than it takes hosts to be restarted one after the other.
const patienceWithUpstreams = 10 * time.Second

// isHealthCheck reports whether a layer-4 balancer asks how we are, which needs no credentials.
func (x *exchange) isHealthCheck() bool {
	return x.snapshot.healthPath != "" && string(x.head.Path) == x.snapshot.healthPath &&
		(string(x.head.Method) == "GET" || x.isHead())
}

// answerHealth says 200, or 503 while draining and while this gateway cannot reach what it is there for.
func (x *exchange) answerHealth() *failure {
	if x.proxy.draining.Load() {
		return refuse(draining)
	}
	if x.snapshot.upstreamLost() {
		return refuse(upstreamUnhealthy)
	}
	x.answerText(200, "ok\n")
	return nil
}

// upstreamLost reports whether one of the upstreams that the health path speaks of is lost.
func (s *Snapshot) upstreamLost() bool {
	for _, pool := range s.healthPools {
		if since := pool.UnhealthySince(); !since.IsZero() && time.Since(since) >= patienceWithUpstreams {
			return true
		}
	}
	return false
}
