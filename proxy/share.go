package proxy

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

// TenantLimits is what one tenant may take of the process, with all its credentials together. 0 is no limit.
type TenantLimits struct {
	RequestsPerSecond float64
	BytesPerSecond    int64 // of request bodies as they are sent, compressed
	MaxInFlight       int   // requests under way at a time
}

// Shares knows what every tenant has of the process and what it may have. Limits may change while requests are served,
// wherever they come from; what a tenant has taken stays counted. All methods may be called from any goroutine.
type Shares struct {
	tenants *xsync.Map[string, *share] // of those that have limits of their own or sent a request
	others  atomic.Pointer[TenantLimits]
}

// NewShares has no limits.
func NewShares() *Shares { return &Shares{tenants: xsync.NewMap[string, *share]()} }

// Limit gives a tenant limits of its own; nil: those of tenants without.
func (s *Shares) Limit(tenant string, limits *TenantLimits) {
	if limits == nil {
		if own, ok := s.tenants.Load(tenant); ok {
			own.limits.Store(nil)
		}
		return
	}
	copied := *limits
	s.of(strings.Clone(tenant)).limits.Store(&copied)
}

// LimitOthers gives limits to each tenant that has none of its own.
func (s *Shares) LimitOthers(limits TenantLimits) {
	if limits == (TenantLimits{}) {
		s.others.Store(nil)
		return
	}
	s.others.Store(&limits)
}

// Tenants is how many tenants are known.
func (s *Shares) Tenants() int { return s.tenants.Size() }

// of is the share of a tenant.
func (s *Shares) of(tenant string) *share {
	if own, ok := s.tenants.Load(tenant); ok {
		return own
	}
	own, _ := s.tenants.LoadOrCompute(strings.Clone(tenant), func() (*share, bool) { return new(share), false })
	return own
}

// share is what one tenant has taken of the process.
type share struct {
	limits atomic.Pointer[TenantLimits] // nil: those of all others

	reads, writes atomic.Int64 // slots of the process
	inFlight      slots
	requests      meter
	bytes         meter
}

// limitsNow are the limits in force, nil if there are none.
func (s *share) limitsNow(all *Shares) *TenantLimits {
	if own := s.limits.Load(); own != nil {
		return own
	}
	return all.others.Load()
}

// takeShare takes what the request needs of what its tenant may have. A request that is refused has taken nothing of the
// rates.
func (x *exchange) takeShare() *failure {
	all := x.proxy.shares
	x.share = all.of(payer(x.tenant))
	limits := x.share.limitsNow(all)
	if limits == nil {
		return nil
	}
	if limits.MaxInFlight > 0 {
		if limit := int64(limits.MaxInFlight); x.share.inFlight.limit.Load() != limit {
			x.share.inFlight.limit.Store(limit)
		}
		if !x.takeSlot(&x.share.inFlight, nil) {
			return refuseFor(tenantLimited, "as many of its requests are under way as max_in_flight allows")
		}
		x.shareSlot = true
	}
	if limits.RequestsPerSecond == 0 && limits.BytesPerSecond == 0 {
		return nil
	}
	now := time.Now()
	return x.takeRates(limits, now, x.patience(now))
}

// takeRates takes one request and the declared length of its body. A body that is longer than the rate has room for is
// taken when nothing is owed, and what it owes holds up the next.
func (x *exchange) takeRates(limits *TenantLimits, now time.Time, patience time.Duration) *failure {
	var wait time.Duration
	if limits.BytesPerSecond > 0 {
		if wait = x.share.bytes.owed(now) - burst; wait > patience {
			return tooMuch("bytes_per_second", wait)
		}
	}
	if limits.RequestsPerSecond > 0 {
		cost := costOf(1, limits.RequestsPerSecond)
		owed, ok := x.share.requests.take(now, cost, max(burst-cost, 0), patience)
		if !ok {
			return tooMuch("requests_per_second", owed)
		}
		wait = max(wait, owed)
	}
	x.charged = max(x.head.Length, 0) // of a chunked body nothing is known yet
	if limits.BytesPerSecond > 0 && x.charged > 0 {
		x.share.bytes.charge(now, costOf(x.charged, float64(limits.BytesPerSecond)))
	}
	if wait > 0 {
		time.Sleep(wait)
		x.queued += wait
	}
	return nil
}

// tooMuch refuses what a rate has no room for, with the time after which it will have.
func tooMuch(limit string, wait time.Duration) *failure {
	f := refuseFor(tenantLimited, "its "+limit+" are used up")
	f.after = wait
	return f
}

// settleEvery is after how many bytes that were not declared a body is charged for.
const settleEvery = 256 << 10

// settle charges for the bytes that came beyond those that were charged for already, or gives back what was declared and
// did not come.
func (x *exchange) settle() {
	more := x.received - x.charged
	if x.share == nil || more == 0 {
		return
	}
	x.charged = x.received
	if limits := x.share.limitsNow(x.proxy.shares); limits != nil && limits.BytesPerSecond > 0 {
		x.share.bytes.charge(time.Now(), costOf(more, float64(limits.BytesPerSecond)))
	}
}

// payer is the tenant whose limits a request counts against: of several that a read names, the first.
func payer(tenant string) string {
	first, _, _ := strings.Cut(tenant, "|")
	return first
}
