package proxy

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// durations is cortex_request_duration_seconds: one histogram for each method, route and status that has occurred, all
// three out of fixed sets, so that no client can add series without end. It outlives snapshots.
type durations struct {
	mu     sync.Mutex
	routes map[string]*routeDurations // guarded by mu; by label
}

// routeDurations holds the histograms of one route label, found without a lock.
type routeDurations struct {
	label   string
	methods [len(knownMethods) + 1]atomic.Pointer[statusDurations]
}

type statusDurations [500]atomic.Pointer[histogram] // by status less 100

var knownMethods = [...]string{"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"}

// otherName stands for every method and path that is none of ours.
const otherName = "other"

func methodIndex(method []byte) int {
	for i, m := range knownMethods {
		if string(method) == m {
			return i
		}
	}
	return len(knownMethods)
}

// route is the part of one route label.
func (d *durations) route(label string) *routeDurations {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes == nil {
		d.routes = make(map[string]*routeDurations)
	}
	r := d.routes[label]
	if r == nil {
		r = &routeDurations{label: label}
		d.routes[label] = r
	}
	return r
}

// observe counts one request; status is 100 to 599.
func (r *routeDurations) observe(method []byte, status int, took time.Duration) {
	at := &r.methods[methodIndex(method)]
	statuses := at.Load()
	if statuses == nil {
		at.CompareAndSwap(nil, new(statusDurations))
		statuses = at.Load()
	}
	of := &statuses[status-100]
	h := of.Load()
	if h == nil {
		of.CompareAndSwap(nil, new(histogram))
		h = of.Load()
	}
	h.observe(took)
}

// write writes all histograms, sorted, in the form that Cortex's dashboards expect.
func (d *durations) write(w io.Writer) {
	d.mu.Lock()
	routes := make([]*routeDurations, 0, len(d.routes))
	for _, r := range d.routes {
		routes = append(routes, r)
	}
	d.mu.Unlock()
	slices.SortFunc(routes, func(a, b *routeDurations) int { return cmp.Compare(a.label, b.label) })
	for _, r := range routes {
		for i := range r.methods {
			statuses := r.methods[i].Load()
			if statuses == nil {
				continue
			}
			method := otherName
			if i < len(knownMethods) {
				method = knownMethods[i]
			}
			for s := range statuses {
				if h := statuses[s].Load(); h != nil {
					labels := fmt.Sprintf("method=%q,route=%q,status_code=\"%d\",ws=\"false\"", method, r.label, s+100)
					h.write(w, "cortex_request_duration_seconds", labels)
				}
			}
		}
	}
}

// routeLabel is a path in the form in which Cortex names its routes: each run of other than letters and digits is one
// "_". The parameters that Cortex has below a prefix of ours are named as there.
func routeLabel(r *Route) string {
	path := r.Path
	if r.HasRewrite {
		path = r.Rewrite
	}
	if r.Prefix {
		switch {
		case strings.HasSuffix(path, "/label"):
			path += "/name/values"
		case strings.HasSuffix(path, "/rules"):
			path += "/namespace/groupName"
		}
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			b.WriteByte(c | 0x20)
		case b.Len() > 0 && b.String()[b.Len()-1] != '_':
			b.WriteByte('_')
		}
	}
	if label := strings.TrimRight(b.String(), "_"); label != "" {
		return label
	}
	return "root"
}
