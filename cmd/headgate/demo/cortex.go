package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a stand-in keeps is bounded, so that it may be left running with a real Prometheus pointed at it.
const (
	keptPushes  = 20  // of a tenant, the newest
	keptText    = 200 // bytes of a push
	keptTenants = 100
)

// Cortex stands in for a Cortex cluster: it takes pushes and answers queries, both by X-Scope-OrgID alone, as Cortex does
// behind a gateway. It is an http.Handler.
type Cortex struct {
	mux http.ServeMux

	mu     sync.Mutex
	pushes map[string][]push // by tenant, oldest first
}

// push is one remote write as it came.
type push struct {
	at   time.Time
	text string
}

// NewCortex returns an empty stand-in.
func NewCortex() *Cortex {
	c := &Cortex{pushes: make(map[string][]push)}
	c.mux.HandleFunc("POST /api/v1/push", c.push)
	c.mux.HandleFunc("GET /prometheus/api/v1/query", c.query)
	c.mux.HandleFunc("POST /prometheus/api/v1/query", c.query)
	return c
}

// ServeHTTP refuses what names no tenant and passes the rest to the two paths there are.
func (c *Cortex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Scope-OrgID") == "" {
		http.Error(w, "no org id", http.StatusUnauthorized)
		return
	}
	c.mux.ServeHTTP(w, r)
}

func (c *Cortex) push(w http.ResponseWriter, r *http.Request) {
	head, err := io.ReadAll(io.LimitReader(r.Body, keptText))
	if err != nil {
		http.Error(w, "the body ended early", http.StatusBadRequest)
		return
	}
	rest, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "the body ended early", http.StatusBadRequest)
		return
	}
	if !c.keep(r.Header.Get("X-Scope-OrgID"), push{at: time.Now(), text: describe(head, rest)}) {
		http.Error(w, "too many tenants for a stand-in", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// keep reports whether there was room for the tenant.
func (c *Cortex) keep(tenant string, p push) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, known := c.pushes[tenant]
	if !known && len(c.pushes) == keptTenants {
		return false
	}
	if len(kept) == keptPushes {
		kept = append(kept[:0], kept[1:]...)
	}
	c.pushes[tenant] = append(kept, p)
	return true
}

// describe is the push itself when a human can read it, as with curl, and its size otherwise.
func describe(head []byte, rest int64) string {
	if rest > 0 || !utf8.Valid(head) {
		return fmt.Sprintf("%d bytes", int64(len(head))+rest)
	}
	for _, r := range string(head) {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%d bytes", len(head))
		}
	}
	return string(head)
}

// query answers in the form of Prometheus's HTTP API: an instant vector with one series for each push of the tenant.
func (c *Cortex) query(w http.ResponseWriter, r *http.Request) {
	tenant := r.Header.Get("X-Scope-OrgID")
	var answer Answer
	answer.Status = "success"
	answer.Data.ResultType = "vector"
	answer.Data.Result = []Series{}
	c.mu.Lock()
	for _, p := range c.pushes[tenant] {
		answer.Data.Result = append(answer.Data.Result, Series{
			Metric: map[string]string{"__name__": "push", "tenant": tenant, "body": p.text},
			Value:  [2]any{float64(p.at.UnixMilli()) / 1000, "1"},
		})
	}
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
}

// Answer is the answer to an instant query.
type Answer struct {
	Status string `json:"status"`
	Data   struct {
		ResultType string   `json:"resultType"`
		Result     []Series `json:"result"`
	} `json:"data"`
}

// Series is one element of an instant vector.
type Series struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"` // seconds since 1970, the value as a string
}
