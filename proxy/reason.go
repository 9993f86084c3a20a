package proxy

import (
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
)

// reason is why a request got no good answer, in a word for the metrics.
type reason struct {
	word   string
	origin origin
}

func (o origin) String() string {
	if o == byUpstream {
		return "upstream"
	}
	return "headgate"
}

// refusingStatuses are those by which Cortex refuses requests; others count by their class.
var refusingStatuses = [...]int{400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 504}

// reasons are all there are: those of our own table, then the statuses of upstreams. It never changes.
var reasons = allReasons()

func allReasons() []reason {
	var all []reason
	for _, r := range Refusals() {
		all = append(all, reason{r.Reason, byHeadgate})
	}
	for _, status := range refusingStatuses {
		all = append(all, reason{"status_" + strconv.Itoa(status), byUpstream})
	}
	return append(all, reason{"status_4xx", byUpstream}, reason{"status_5xx", byUpstream})
}

// reasonIndex finds a refusal of our own in reasons. It never changes.
var reasonIndex = func() map[*Refusal]int {
	index := make(map[*Refusal]int)
	for i, r := range Refusals() {
		index[r] = i
	}
	return index
}()

// upstreamReason is the index in reasons of an upstream's status of 400 and more.
func upstreamReason(status int) int {
	first := len(reasons) - len(refusingStatuses) - 2
	for i, known := range refusingStatuses {
		if status == known {
			return first + i
		}
	}
	if status < 500 {
		return len(reasons) - 2
	}
	return len(reasons) - 1
}

// refusalCounts counts what headgate refused, by reason and scope.
type refusalCounts [len(scopeNames)][]atomic.Uint64 // as long as Refusals()

func newRefusalCounts() *refusalCounts {
	c := new(refusalCounts)
	for scope := range c {
		c[scope] = make([]atomic.Uint64, len(Refusals()))
	}
	return c
}

func (c *refusalCounts) write(w io.Writer) {
	for scope := range c {
		for i := range c[scope] {
			writeRefusals(w, reasons[i], scopeNames[scope], c[scope][i].Load())
		}
	}
}

func writeRefusals(w io.Writer, r reason, scope string, n uint64) {
	fmt.Fprintf(w, "headgate_refusals_total{reason=%q,origin=%q,scope=%q} %d\n", r.word, r.origin, scope, n)
}
