package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
)

// TestLimitsOfTenantsAreShown: of each tenant that has series, its own limits or those of all others, and what is under way
// against them; also of one of which nothing is kept, because it is idle.
func TestLimitsOfTenantsAreShown(t *testing.T) {
	set := metrics.NewSet()
	shares := NewShares()
	p := New(Options{Metrics: set, Shares: shares})
	p.seen.tenants.limit(10)
	for _, tenant := range []string{"own", "none of its own", "idle"} {
		p.seen.tenants.of(tenant)
	}
	want := func(when string, lines ...string) {
		t.Helper()
		var text bytes.Buffer
		set.WritePrometheus(&text)
		for _, line := range lines {
			if !strings.Contains(text.String(), line+"\n") {
				t.Errorf("%s the metrics have no %s", when, line)
			}
		}
		if n := strings.Count(text.String(), "headgate_tenant_admitted_requests{"); n != len(lines)/4 {
			t.Errorf("%s %d tenants are shown, want %d", when, n, len(lines)/4)
		}
	}
	admit := func(tenant string) *exchange {
		x := newArrival(p, &route{slots: new(slots)}, tenant)
		if f := x.admit(); f != nil {
			t.Fatal(f)
		}
		return x
	}
	own := []string{
		`headgate_tenant_admitted_requests{tenant="own"} 2`,
		`headgate_tenant_admitted_requests_limit{tenant="own"} 3`,
		`headgate_tenant_requests_per_second_limit{tenant="own"} 0`,
		`headgate_tenant_request_body_bytes_per_second_limit{tenant="own"} 5000`,
	}
	want("without limits")
	shares.Limit("own", &TenantLimits{MaxInFlight: 3, BytesPerSecond: 5000})
	admit("own")
	admit("own")
	want("with limits of one", own...)
	shares.LimitOthers(TenantLimits{RequestsPerSecond: 0.5})
	admit("none of its own")
	want("with limits of all", append(own,
		`headgate_tenant_admitted_requests{tenant="none of its own"} 1`,
		`headgate_tenant_admitted_requests_limit{tenant="none of its own"} 0`,
		`headgate_tenant_requests_per_second_limit{tenant="none of its own"} 0.5`,
		`headgate_tenant_request_body_bytes_per_second_limit{tenant="none of its own"} 0`,
		`headgate_tenant_admitted_requests{tenant="idle"} 0`,
		`headgate_tenant_admitted_requests_limit{tenant="idle"} 0`,
		`headgate_tenant_requests_per_second_limit{tenant="idle"} 0.5`,
		`headgate_tenant_request_body_bytes_per_second_limit{tenant="idle"} 0`,
	)...)
}
