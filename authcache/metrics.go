package authcache

import (
	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache/verify"
)

// counters are the handles of the cache's metrics, resolved once. Their labels are fixed words; nothing a client sends
// becomes one. A cache that was given no set counts into one that nobody reads.
type counters struct {
	set *metrics.Set

	*results
	hitRejected *metrics.Counter
	misses      *metrics.Counter

	accepted      *metrics.Counter
	rejected      *metrics.Counter
	verifySeconds *metrics.PrometheusHistogram
	queueFull     *metrics.Counter
	queueTimeout  *metrics.Counter

	evicted *metrics.Counter
	refused map[verify.Reason]*metrics.Counter // tokens

	gauges []string // names of the metrics that read the cache, to be taken out with it
}

// verifyBuckets run from a bcrypt of cost 4 to one of cost 16, in seconds.
var verifyBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

func newCounters(set *metrics.Set) *counters {
	if set == nil {
		set = metrics.NewSet()
	}
	return &counters{
		set:           set,
		results:       newResults(set),
		hitRejected:   set.GetOrCreateCounter(`headgate_auth_hits_total{kind="rejected"}`),
		misses:        set.GetOrCreateCounter(`headgate_auth_misses_total`),
		accepted:      set.GetOrCreateCounter(`headgate_auth_verifications_total{result="accepted"}`),
		rejected:      set.GetOrCreateCounter(`headgate_auth_verifications_total{result="rejected"}`),
		verifySeconds: set.GetOrCreatePrometheusHistogramExt(`headgate_auth_verify_seconds`, verifyBuckets),
		queueFull:     set.GetOrCreateCounter(`headgate_auth_busy_total{reason="queue_full"}`),
		queueTimeout:  set.GetOrCreateCounter(`headgate_auth_busy_total{reason="queue_timeout"}`),
		evicted:       set.GetOrCreateCounter(`headgate_auth_tokens_evicted_total`),
		refused:       refusedCounters(set),
	}
}

func refusedCounters(set *metrics.Set) map[verify.Reason]*metrics.Counter {
	counters := map[verify.Reason]*metrics.Counter{}
	for _, reason := range append(verify.Reasons(), noTenant) {
		counters[reason] = set.GetOrCreateCounter(`headgate_auth_token_refusals_total{reason="` + string(reason) + `"}`)
	}
	return counters
}

// noTenant is the reason for a token that is good, and names no tenant that can be.
const noTenant verify.Reason = "tenant"

// refusedToken counts a token that was looked at and refused. One that is refused from memory does not count again.
func (c *counters) refusedToken(reason verify.Reason) { c.refused[reason].Inc() }

// gauge exports a value that is read when it is asked for.
func (c *counters) gauge(name string, read func() float64) {
	c.set.NewGauge(name, read)
	c.gauges = append(c.gauges, name)
}

// close takes out the gauges, which would keep the cache in memory, and the results, which begin anew with the next
// cache. The other counters stay.
func (c *counters) close() {
	c.results.closed.Store(true)
	for _, name := range c.gauges {
		c.set.UnregisterMetric(name)
	}
}
