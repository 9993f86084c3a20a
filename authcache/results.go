package authcache

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"
)

// schemes and verdicts are how many of each there are.
const (
	schemes  = int(Anonymous) + 1
	verdicts = int(Forbidden) + 1
)

// results counts what came of credentials, by scheme. Those that memory knows at once, which is almost all, cost one
// addition: what is shown is added up when somebody asks.
type results struct {
	fastStatic   [schemes]atomic.Uint64 // accepted at once, known as they were written
	fastVerified [schemes]atomic.Uint64 // accepted at once, verified before
	slowStatic   atomic.Uint64          // the same, where there was more to look at; these are in all as well
	slowVerified atomic.Uint64
	all          [schemes][verdicts]atomic.Uint64 // but for those accepted at once
	closed       atomic.Bool                      // not shown any more: another cache may be
}

// newResults are shown in a set until they are closed.
func newResults(set *metrics.Set) *results {
	r := new(results)
	set.RegisterMetricsWriter(r.write)
	return r
}

func (r *results) count(scheme Scheme, verdict Verdict) {
	if int(scheme) < schemes {
		r.all[scheme][verdict].Add(1)
	}
}

// methods are the schemes in the words of the configuration.
var methods = [schemes]string{Basic: "basic", Bearer: "bearer", Certificate: "mtls", Anonymous: "none"}

func (r *results) write(w io.Writer) {
	if r.closed.Load() {
		return
	}
	static, verified := r.slowStatic.Load(), r.slowVerified.Load()
	for scheme, method := range methods {
		fastStatic, fastVerified := r.fastStatic[scheme].Load(), r.fastVerified[scheme].Load()
		static, verified = static+fastStatic, verified+fastVerified
		for verdict := range verdicts {
			n := r.all[scheme][verdict].Load()
			if Verdict(verdict) == Accepted {
				n += fastStatic + fastVerified
			}
			fmt.Fprintf(w, "headgate_auth_requests_total{method=%q,result=%q} %d\n", method, Verdict(verdict), n)
		}
	}
	fmt.Fprintf(w, "headgate_auth_hits_total{kind=\"static\"} %d\nheadgate_auth_hits_total{kind=\"verified\"} %d\n", static, verified)
}
