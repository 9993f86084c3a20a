package proxy

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// TenantLimits is what one tenant may take of the process, with all its credentials together. 0 is no limit.
type TenantLimits struct {
	RequestsPerSecond float64
	BytesPerSecond    int64 // of request bodies as they are sent, compressed
	MaxInFlight       int   // requests under way at a time
}

// Shares knows what every tenant that has limits may take of the process, and what it has taken. Limits may change while
// requests are served, wherever they come from. All methods may be called from any goroutine.
type Shares struct {
	tenants *roster[share, *share] // of those that have limits of their own, or had a request while others was set
	others  atomic.Pointer[TenantLimits]
	changes atomic.Uint64 // of limits: what connections remember of before does not count
}

// NewShares has no limits.
func NewShares() *Shares { return &Shares{tenants: newRoster[share]()} }

// Limit gives a tenant limits of its own; nil: those of tenants without. A request counts as one of the tenant of its
// credential, whatever tenants it names.
//
// What the tenant owes is paid at the new rates when those are higher, and as before when they are lower: what was
// allowed when it came is not held against it.
func (s *Shares) Limit(tenant string, limits *TenantLimits) {
	defer s.changes.Add(1)
	own := s.tenants.enter(tenant)
	defer own.end()
	if limits != nil {
		copied := *limits
		limits = &copied
	}
	switch before := own.own.Swap(limits); {
	case before == nil && limits != nil:
		own.begin() // for as long as it has limits of its own
	case before != nil && limits == nil:
		own.end()
	}
	s.tenants.prune(2)
}

// LimitOthers gives limits to each tenant that has none of its own.
func (s *Shares) LimitOthers(limits TenantLimits) {
	defer s.changes.Add(1)
	if limits == (TenantLimits{}) {
		s.others.Store(nil)
		s.tenants.prune(s.tenants.size())
		return
	}
	if others := s.others.Load(); others == nil || *others != limits {
		s.others.Store(&limits)
	}
}

// Tenants is how many tenants are known.
func (s *Shares) Tenants() int { return s.tenants.size() }

// enter finds the share of a tenant and begins to use it; nil: nothing limits the tenant.
func (s *Shares) enter(tenant string) *share {
	if s.others.Load() == nil {
		if _, known := s.tenants.find(tenant); !known {
			return nil
		}
	}
	return s.tenants.enter(tenant)
}

// share is what one tenant may take of the process, and what it has taken.
type share struct {
	use
	own   atomic.Pointer[TenantLimits] // nil: those of all others
	rates atomic.Pointer[allowance]    // as of the last request

	inFlight slots
	chunked  atomic.Int64 // bytes of a chunked body as they come on the average; 0: none has come yet
}

// allowance is limits, and what was taken of their rates.
type allowance struct {
	limits          *TenantLimits
	requests, bytes *meter
}

// worthKeeping reports whether something is owed: giving the share up would be a present.
func (s *share) worthKeeping(now time.Time) bool {
	a := s.rates.Load()
	return a != nil && max(a.requests.owed(now), a.bytes.owed(now)) > 0
}

// limits are those in force, nil if there are none.
func (s *share) limits(all *Shares) *TenantLimits {
	if own := s.own.Load(); own != nil {
		return own
	}
	return all.others.Load()
}

// allowance is what the limits in force allow, nil if there are none.
func (s *share) allowance(all *Shares, now time.Time) *allowance {
	for {
		limits, before := s.limits(all), s.rates.Load()
		switch {
		case limits == nil:
			return nil
		case before != nil && before.limits == limits:
			return before // Fast path
		}
		next := &allowance{limits: limits, requests: newMeter(now, 0), bytes: newMeter(now, 0)}
		if before != nil {
			was := before.limits
			next.requests = newMeter(now, rescaled(before.requests.owed(now), was.RequestsPerSecond, limits.RequestsPerSecond))
			next.bytes = newMeter(now, rescaled(before.bytes.owed(now), float64(was.BytesPerSecond), float64(limits.BytesPerSecond)))
		}
		s.rates.CompareAndSwap(before, next)
	}
}

// rescaled is what a debt of one rate is at another, see Shares.Limit.
func rescaled(owed time.Duration, from, to float64) time.Duration {
	switch {
	case from == 0 || to == 0:
		return 0
	case to > from:
		return time.Duration(float64(owed) * from / to)
	default:
		return owed
	}
}

// payer is the tenant whose share a request is of: that of its credential, and of a token of several the first, whatever
// tenants the request names. So nobody chooses whose share he takes from.
func (x *exchange) payer() string {
	if x.identity.Tenant == "" {
		return x.identity.Reach.ReadDefault()[0]
	}
	return x.identity.Tenant
}

// remembered is the share that a connection found for its last request, which as a rule is that of the next.
type remembered struct {
	payer   string
	changes uint64 // of limits at that time
	share   *share
	known   bool
}

// enterShare finds the share that the request is of, if there is one.
func (x *exchange) enterShare() {
	payer, all, last := x.payer(), x.proxy.shares, &x.conn.share
	changes := all.changes.Load()
	if last.known && last.changes == changes && last.payer == payer && (last.share == nil || last.share.begin()) {
		x.share = last.share // Fast path: without a look-up
		return
	}
	x.share = all.enter(payer)
	*last = remembered{payer, changes, x.share, true}
}

// takeRates takes one request and the length of its body from the rates of its share, waiting until there is room. A
// request that is refused for something else gives itself back with the refusal, the bytes when it leaves.
func (x *exchange) takeRates() *failure {
	x.enterShare()
	if x.share == nil {
		return nil
	}
	now := time.Now()
	a := x.share.allowance(x.proxy.shares, now)
	if a == nil {
		x.share.end()
		x.share = nil
		return nil
	}
	x.share.inFlight.bound(int64(a.limits.MaxInFlight))
	patience, charged := x.patience(now), a.bytes.charged.Load()
	wait, ok := x.takeBytes(a, now, patience)
	if !ok {
		return tooMuch("bytes_per_second", wait)
	}
	if rate := a.limits.RequestsPerSecond; rate > 0 {
		cost := costOf(1, rate)
		owed, ok := a.requests.take(now, cost, max(burst-cost, 0), patience)
		if !ok {
			return tooMuch("requests_per_second", owed)
		}
		x.paid = a
		wait = max(wait, owed)
	}
	waited, longer := a.bytes.awaitTurn(wait, charged, patience)
	x.queued += waited
	if longer > 0 {
		return tooMuch("bytes_per_second", longer)
	}
	return nil
}

// takeBytes takes the declared length of the body, or of a chunked one what such a body has on the average: the rest is
// settled as it comes. A body that is longer than the rate has room for is taken all the same, and what it owes holds up
// the next.
func (x *exchange) takeBytes(a *allowance, now time.Time, patience time.Duration) (wait time.Duration, ok bool) {
	if a.limits.BytesPerSecond == 0 {
		return 0, true
	}
	rate := float64(a.limits.BytesPerSecond)
	n := x.head.Length
	if n == wire.Chunked {
		if n = x.share.chunked.Load(); n == 0 {
			n = min(int64(rate*burst.Seconds()/4), mostGuessed)
		}
	}
	if wait, ok = a.bytes.take(now, costOf(n, rate), burst, patience); ok {
		x.charged = n
	}
	return wait, ok
}

// mostGuessed is the most that is charged for the first chunked bodies of a tenant, of which nothing is known, before they
// come.
const mostGuessed = 1 << 20

// tooMuch refuses what a rate has no room for, with the time after which it will have.
func tooMuch(limit string, wait time.Duration) *failure {
	f := refuseFor(tenantLimited, "its "+limit+" are used up")
	f.after = wait
	return f
}

// settle charges for the bytes that came beyond those that were charged for already, or gives back what was charged for
// and did not come.
func (x *exchange) settle() {
	more := x.received - x.charged
	if x.share == nil || more == 0 {
		return
	}
	x.charged = x.received
	now := time.Now()
	if a := x.share.allowance(x.proxy.shares, now); a != nil && a.limits.BytesPerSecond > 0 {
		a.bytes.charge(now, costOf(more, float64(a.limits.BytesPerSecond)))
	}
}

// returnRequest gives the request back to the rate that it was taken from, if it is refused before a host had a part in it.
func (x *exchange) returnRequest() {
	if x.paid != nil && x.attempts == 0 {
		x.paid.requests.charge(time.Now(), -costOf(1, x.paid.limits.RequestsPerSecond))
		x.paid = nil
	}
}

// leaveShare settles, and ends the use of the share.
func (x *exchange) leaveShare() {
	if x.share == nil {
		return
	}
	x.settle()
	if x.head.Length == wire.Chunked && x.failure == nil && x.conn.Body().Whole() {
		x.share.learn(max(x.received, 1))
	}
	x.share.end()
}

// learn takes the length of a chunked body into the average. Of two at the same time one may be lost.
func (s *share) learn(n int64) {
	known := s.chunked.Load()
	if known == 0 {
		s.chunked.Store(n)
		return
	}
	s.chunked.Store(known + (n-known)/16)
}
