package proxy

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// tenantCounts counts requests by tenant: of the first so many that come with a good credential, and of all others
// together. A request finds its tenant without a lock; only the first of a tenant takes one.
type tenantCounts struct {
	known atomic.Pointer[map[string]*tenantSeries] // immutable; never nil
	full  atomic.Bool                              // no tenant gets series of its own any more

	other  *tenantSeries // of tenants without series of their own
	nobody *tenantSeries // of requests without a good credential; not shown

	mu        sync.Mutex // guards what follows, and changes of known
	most      int
	goneBytes uint64 // of tenants whose series were given up
}

// tenantSeries is what one tenant did.
type tenantSeries struct {
	tenant   string
	requests atomic.Uint64
	bytes    atomic.Uint64   // of request bodies
	refusals []atomic.Uint64 // as long as reasons
	gone     atomic.Bool     // not shown any more
}

func newTenantSeries(tenant string) *tenantSeries {
	return &tenantSeries{tenant: tenant, refusals: make([]atomic.Uint64, len(reasons))}
}

func newTenantCounts() *tenantCounts {
	c := &tenantCounts{other: newTenantSeries(otherName), nobody: newTenantSeries("")}
	c.known.Store(&map[string]*tenantSeries{})
	c.full.Store(true)
	return c
}

// limit says how many tenants get series of their own; 0: none, and then no tenant is shown at all. With more of them
// than that, all begin anew.
func (c *tenantCounts) limit(most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = most
	known := *c.known.Load()
	if len(known) > most {
		c.known.Store(&map[string]*tenantSeries{})
		for _, s := range known {
			s.gone.Store(true)
			c.goneBytes += s.bytes.Load()
		}
		known = nil
	}
	c.full.Store(len(known) >= most)
}

// of finds the series of a tenant.
func (c *tenantCounts) of(tenant string) *tenantSeries {
	if s := (*c.known.Load())[tenant]; s != nil {
		return s
	}
	if c.full.Load() || tenant == otherName || tenant == "" {
		return c.other
	}
	return c.add(strings.Clone(tenant))
}

func (c *tenantCounts) add(tenant string) *tenantSeries {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := *c.known.Load()
	if s := known[tenant]; s != nil {
		return s
	}
	if len(known) >= c.most {
		return c.other
	}
	more := maps.Clone(known)
	s := newTenantSeries(tenant)
	more[tenant] = s
	c.known.Store(&more)
	c.full.Store(len(more) >= c.most)
	return s
}

// tenantSeries is where the request that ends is counted: with the tenant that it named or was given, of several the
// first. The connection remembers the one of its last request, which as a rule is that of the next.
func (x *exchange) tenantSeries() *tenantSeries {
	counts := x.proxy.seen.tenants
	if x.identity == nil {
		return counts.nobody
	}
	tenant := x.tenant
	if tenant == "" {
		tenant = x.identity.Tenant
	}
	if last := x.conn.counted; last != nil && last.tenant == tenant && !last.gone.Load() {
		return last // Fast path: without a look-up
	}
	if first, _, several := strings.Cut(tenant, "|"); several {
		tenant = first
	}
	x.conn.counted = counts.of(tenant)
	return x.conn.counted
}

// count counts the request that ends.
func (s *tenantSeries) count(x *exchange) {
	s.requests.Add(1)
	if x.received > 0 {
		s.bytes.Add(uint64(x.received))
	}
	switch {
	case x.failure != nil:
		s.refusals[reasonIndex[x.failure.Refusal]].Add(1)
	case x.status >= 400:
		s.refusals[upstreamReason(x.status)].Add(1)
	}
}

// all lists the tenants that have series of their own by name, and then the others, if there is room for some.
func (c *tenantCounts) all() (_ []*tenantSeries, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most == 0 {
		return nil, 0
	}
	all := slices.SortedFunc(maps.Values(*c.known.Load()), func(a, b *tenantSeries) int { return strings.Compare(a.tenant, b.tenant) })
	return append(all, c.other), c.most
}

// bytes is all bytes of all requests.
func (c *tenantCounts) bytes() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.goneBytes + c.other.bytes.Load() + c.nobody.bytes.Load()
	for _, s := range *c.known.Load() {
		sum += s.bytes.Load()
	}
	return sum
}

func (c *tenantCounts) write(w io.Writer) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "headgate_request_body_bytes_total %d\n", c.bytes())
	all, most := c.all()
	fmt.Fprintf(&b, "headgate_tenants_shown %d\nheadgate_tenants_shown_limit %d\n", max(len(all)-1, 0), most)
	for _, s := range all {
		fmt.Fprintf(&b, "headgate_tenant_requests_total{tenant=%q} %d\n", s.tenant, s.requests.Load())
		fmt.Fprintf(&b, "headgate_tenant_request_body_bytes_total{tenant=%q} %d\n", s.tenant, s.bytes.Load())
		for i := range s.refusals {
			if n := s.refusals[i].Load(); n > 0 {
				fmt.Fprintf(&b, "headgate_tenant_refusals_total{tenant=%q,reason=%q,origin=%q} %d\n", s.tenant, reasons[i].word, reasons[i].origin, n)
			}
		}
	}
	_, _ = w.Write(b.Bytes())
}
