// Package scenario lists what is measured: what is sent, by how many, with which credentials.
package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/bench/payload"
)

// Auth is how the password of a tenant is written in the proxy's configuration.
type Auth string

// The ways.
const (
	Plain  Auth = "plain"
	Bcrypt Auth = "bcrypt" // cost 10
)

// Scenario is one thing to measure. All subjects of a scenario get the same bytes.
type Scenario struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Push        int    `json:"push_bytes,omitempty"`   // size of the remote write; 0: a query
	Answer      int    `json:"answer_bytes,omitempty"` // size of the query's answer
	Tenants     int    `json:"tenants"`                // in the configuration; the last one sends
	Auth        Auth   `json:"auth"`
	TLS         bool   `json:"tls,omitempty"` // from the load to the proxy
	Connections int    `json:"connections"`
	Idle        bool   `json:"idle,omitempty"` // one request on each connection, then memory is read while nothing moves
	Series      Series `json:"series,omitempty"`
	Counts      []int  `json:"counts,omitempty"`     // of tenants, ByTenants only
	OnRequest   bool   `json:"on_request,omitempty"` // runs only when it is named
}

// Series is what the subjects of a scenario differ in when all of them are headgate; "" when they are different proxies.
type Series string

// The series.
const (
	ByMethod  Series = "method"  // how the client proves who it is: one process, which knows all methods
	ByTenants Series = "tenants" // how many tenants there are: a process for each of Counts
)

// few is the number of connections of most scenarios: enough to keep one core busy, as many as a handful of Prometheus
// servers open. Many is what a fleet of agents holds.
const (
	few  = 64
	many = 5000
)

// All returns the scenarios in the order in which they run.
func All() []Scenario {
	const kib, mib = 1 << 10, 1 << 20
	list := []Scenario{
		{Name: "push-1KiB", Title: "push of 1 KiB", Push: kib},
		{Name: "push-32KiB", Title: "push of 32 KiB", Push: 32 * kib},
		{Name: "push-512KiB", Title: "push of 512 KiB", Push: 512 * kib},
		{Name: "query-1KiB", Title: "query, answer of 1 KiB", Answer: kib},
		{Name: "query-5MiB", Title: "query, answer of 5 MiB", Answer: 5 * mib},
		{Name: "tenants-10000", Title: "push of 1 KiB, the last of 10,000 tenants", Push: kib, Tenants: 10_000},
		{Name: "tenants-100000", Title: "push of 1 KiB, the last of 100,000 tenants", Push: kib, Tenants: 100_000},
		{Name: "bcrypt", Title: "push of 1 KiB, password as bcrypt of cost 10", Push: kib, Auth: Bcrypt},
		{Name: "methods", Title: "push of 1 KiB by how the client proves who it is, headgate alone", Push: kib, Series: ByMethod},
		{Name: "by-tenants", Title: "push of 1 KiB by the number of tenants, which send in turn, headgate alone", Push: kib, Series: ByTenants,
			Counts: []int{1, 100, 1000, 10_000, 100_000}},
		{Name: "million-tenants", Title: "push of 1 KiB, one tenant and a million, which send in turn, headgate alone", Push: kib, Series: ByTenants,
			Counts: []int{1, 1_000_000}, OnRequest: true},
		{Name: "tls-1KiB", Title: "push of 1 KiB over TLS", Push: kib, TLS: true},
		{Name: "tls-32KiB", Title: "push of 32 KiB over TLS", Push: 32 * kib, TLS: true},
		{Name: "idle-5000", Title: "5,000 connections, idle", Push: kib, Connections: many, Idle: true},
		{Name: "busy-5000-1KiB", Title: "5,000 connections, push of 1 KiB", Push: kib, Connections: many},
		{Name: "busy-5000-32KiB", Title: "5,000 connections, push of 32 KiB", Push: 32 * kib, Connections: many},
	}
	for i := range list {
		s := &list[i]
		s.Tenants = max(s.Tenants, 1)
		if s.Auth == "" {
			s.Auth = Plain
		}
		if s.Connections == 0 {
			s.Connections = few
		}
	}
	return list
}

// Select returns the scenarios whose names begin with one of the comma-separated prefixes; for "" all of them but those
// that run on request only.
func Select(prefixes string) ([]Scenario, error) {
	if prefixes == "" {
		return slices.DeleteFunc(All(), func(s Scenario) bool { return s.OnRequest }), nil
	}
	chosen := map[string]bool{}
	for _, prefix := range strings.Split(prefixes, ",") {
		found := false
		for _, name := range names() {
			if strings.HasPrefix(name, prefix) && prefix != "" {
				chosen[name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no scenario begins with %q; want one of %s", prefix, strings.Join(names(), ", "))
		}
	}
	var selected []Scenario
	for _, s := range All() {
		if chosen[s.Name] {
			selected = append(selected, s)
		}
	}
	return selected, nil
}

func names() []string {
	var list []string
	for _, s := range All() {
		list = append(list, s.Name)
	}
	return list
}

// Many reports whether there are so many connections that the kept ones of all subjects together would exhaust the open
// files of the stand-in upstream: then a subject runs during its own rounds only.
func (s Scenario) Many() bool { return s.Connections > 1000 }

// Request returns the whole request that the load sends to a proxy at host with an Authorization value.
func (s Scenario) Request(host, authorization string) ([]byte, error) {
	if s.Push == 0 {
		return payload.Query(host, authorization, payload.QueryPath(s.Answer)), nil
	}
	body, err := payload.RemoteWrite(s.Push)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return payload.Push(host, authorization, body), nil
}
