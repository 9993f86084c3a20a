package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// shown is every series of a metric whose value is not 0, as name{labels} value.
func (g *gateway) shown(metric string) string {
	var text, found strings.Builder
	g.set.WritePrometheus(&text)
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, metric) && !strings.HasSuffix(line, " 0\n") {
			found.WriteString(strings.TrimPrefix(line, metric))
		}
	}
	return found.String()
}

// finished waits until the gateway has counted what it has answered.
func (g *gateway) finished(t *testing.T) {
	t.Helper()
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
}

func TestRequestsAreCountedByTenant(t *testing.T) {
	t.Parallel()
	answer := "200 OK"
	up := startRecorder(t, func(*received) string { return "HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n" })
	g := startGateway(t, testRoutes(testPool(t, up.addr), func(r *Route) { r.MaxBodySize = 100 }))
	g.seen.tenants.limit(10)
	asB := strings.Replace(push("12345"), basicA, basicB, 1)
	g.ask(t, push("123"))
	g.ask(t, asB)
	c := g.caller(t) // two tenants in turn on one connection, as from a proxy
	c.ask(push("123"))
	c.ask(asB)
	c.ask(push("123"))
	g.ask(t, push(strings.Repeat("x", 200)))                                            // refused by us
	g.ask(t, strings.Replace(push("1"), "tenant-a", "nobody", 1)+"x")                   // the tenant in the body is nobody's business
	g.ask(t, strings.Replace(push("1"), basicA, "Basic bm9ib2R5OndhdA==", 1))           // not a credential of anybody
	g.ask(t, strings.Replace(push("1"), "Host:", "X-Scope-OrgID: mallory\r\nHost:", 1)) // not the tenant that is used
	up.mu.Lock()
	answer = "429 Too Many Requests"
	up.mu.Unlock()
	g.ask(t, push("123")) // refused by the upstream
	g.finished(t)
	for metric, want := range map[string]string{
		"headgate_tenant_requests_total":           "{tenant=\"tenant-a\"} 7\n{tenant=\"tenant-b\"} 2\n",
		"headgate_tenant_request_body_bytes_total": "{tenant=\"tenant-a\"} 14\n{tenant=\"tenant-b\"} 10\n",
		"headgate_tenant_refusals_total": `{tenant="tenant-a",reason="body_too_large",origin="headgate"} 1` + "\n" +
			`{tenant="tenant-a",reason="status_429",origin="upstream"} 1` + "\n",
		"headgate_tenants_shown ":           "2\n",
		"headgate_tenants_shown_limit ":     "10\n",
		"headgate_request_body_bytes_total": " 24\n",
	} {
		if got := g.shown(metric); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", metric, got, want)
		}
	}
	if tenants := g.Traffic().Tenants; len(tenants) != 3 || tenants[0] != (TenantTraffic{"tenant-a", 7, 14, 2}) {
		t.Errorf("Traffic tells %v", tenants)
	}
}

func TestTenantsBeyondTheLimitAreOther(t *testing.T) {
	t.Parallel()
	c := newTenantCounts()
	c.of("early").requests.Add(1) // before there was a limit
	c.limit(2)
	for _, tenant := range []string{"a", "b", "c", "a", otherName} {
		c.of(tenant).requests.Add(1)
	}
	counted := func() string {
		all, _ := c.all()
		var b strings.Builder
		for _, s := range all {
			fmt.Fprintf(&b, "%s %d, ", s.tenant, s.requests.Load())
		}
		return b.String()
	}
	if got := counted(); got != "a 2, b 1, other 3, " {
		t.Error(got)
	}
	c.limit(3)
	c.of("c").requests.Add(1)
	c.of("d").requests.Add(1)
	if got := counted(); got != "a 2, b 1, c 1, other 4, " {
		t.Error("after more were allowed:", got)
	}
	before := c.of("a")
	before.bytes.Add(7)
	c.limit(1)
	if c.of("b").requests.Add(1); counted() != "b 1, other 4, " || !before.gone.Load() || c.bytes() != 7 {
		t.Errorf("after fewer were allowed: %s, gone %v, %d bytes", counted(), before.gone.Load(), c.bytes())
	}
	c.limit(0)
	c.of("b").requests.Add(1)
	if got := counted(); got != "" {
		t.Error("without series of tenants:", got)
	}
}

// TestTenantCountsDoNotAllocate: not on the way of a request, whether its tenant has series of its own or not.
func TestTenantCountsDoNotAllocate(t *testing.T) {
	c := newTenantCounts()
	c.limit(1)
	c.of("a")
	if n := testing.AllocsPerRun(100, func() {
		c.of("a").requests.Add(1)
		c.of("b").requests.Add(1)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
