package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/proxy"
)

func explainCommand() command {
	return command{
		name:    "explain",
		usage:   "--config FILE [--client NAME] [--tenant-header V] [--json] METHOD PATH",
		summary: "say what becomes of such a request: its route, scope, upstream, hosts, deadlines and tenant, or its refusal",
		define: func(set *flag.FlagSet) action {
			file := configFlag(set)
			var q question
			set.StringVar(&q.client, "client", "", "the `NAME` or user name of the client that sends it")
			set.StringVar(&q.tenantHeader, "tenant-header", "", "the `VALUE` of an X-Scope-OrgID that the client sends")
			asJSON := set.Bool("json", false, "print JSON")
			return func(c console, args []string) error {
				if err := needConfig(*file); err != nil {
					return err
				}
				if len(args) != 2 {
					return usageError("want a method and a path, such as POST /api/v1/push")
				}
				q.method, q.path = args[0], args[1]
				loaded, err := load(*file, config.Options{Env: os.Getenv})
				if err != nil {
					return err
				}
				e, err := explain(loaded.config, q, time.Now())
				if err != nil {
					return err
				}
				if *asJSON {
					return e.writeJSON(c)
				}
				e.write(c)
				return nil
			}
		},
	}
}

// question is a request that nobody sends.
type question struct {
	method, path string
	client       string // "": whoever has the scope
	tenantHeader string // "": none
}

// explanation is what becomes of a request. It is forwarded where Answered is "" and Refused nil.
type explanation struct {
	Method       string   `json:"method"`
	Path         string   `json:"path"`
	Client       string   `json:"client,omitempty"` // "": whoever has the scope
	Credential   *sender  `json:"credential,omitempty"`
	Tenant       string   `json:"tenant,omitempty"` // that goes upstream; of a request that is refused, the client's own
	TenantHeader string   `json:"tenant_header,omitempty"`
	Answered     string   `json:"answered,omitempty"` // by headgate itself, whoever asks
	Route        *matched `json:"route,omitempty"`
	Refused      *refused `json:"refused,omitempty"`
}

// matched is the route of the request. Durations are written as in the configuration; "0s" is no limit.
type matched struct {
	Path           string   `json:"path"`
	Methods        []string `json:"methods"`
	Component      string   `json:"component"`
	Scope          string   `json:"scope"`
	Upstream       string   `json:"upstream"`
	UpstreamPath   string   `json:"upstream_path"`
	Host           string   `json:"host"`
	Hosts          []string `json:"hosts"`
	HostsProblem   string   `json:"hosts_problem,omitempty"`
	Timeout        string   `json:"timeout"`
	ReadTimeout    string   `json:"read_timeout"`
	WriteTimeout   string   `json:"write_timeout"`
	ConnectTimeout string   `json:"connect_timeout"`
	BodyTimeout    string   `json:"body_timeout"`
	Retries        int      `json:"retries"`
	MaxBodySize    int64    `json:"max_body_size"`
	MaxInFlight    int      `json:"max_in_flight"` // 0: no limit
	Policy         string   `json:"policy,omitempty"`
}

// refused is headgate's own answer.
type refused struct {
	Reason string `json:"reason"`
	Status int    `json:"status"`
	Text   string `json:"text"`
}

// explain compiles the configuration as run does, and asks the snapshot what it would do now.
func explain(cfg *config.Config, q question, now time.Time) (*explanation, error) {
	credentials := authcache.New(authcache.Options{Workers: 1})
	defer credentials.Close()
	client, err := findSender(cfg, credentials, q.client, now)
	if err != nil {
		return nil, err
	}
	g, err := assemble(cfg, parts{credentials: credentials, log: slog.New(slog.DiscardHandler)}, nil)
	if err != nil {
		return nil, err
	}
	defer g.closePools()

	e := &explanation{Method: q.method, Path: q.path, TenantHeader: q.tenantHeader, Credential: client}
	if client != nil {
		e.Client, e.Tenant = client.Name, client.Tenant
	}
	rawPath, _, _ := strings.Cut(q.path, "?")
	if e.Answered = healthAnswer(&cfg.Server, q.method, rawPath); e.Answered != "" {
		return e, nil
	}
	r, refusal := g.snapshot.Match(q.method, rawPath)
	detail := ""
	known := refusal == nil || refusal.Status != 400 // what is malformed is not asked who it is
	if verdict := client.verdict(now); known && verdict != "" {
		refusal, detail = refusalFor("unauthorized"), verdict
	}
	if r != nil {
		g.awaitHosts(context.Background())
		e.Route = describeRoute(r, rawPath)
		if u := cfg.Upstreams[r.Upstream]; u != nil {
			e.Route.Policy = u.Policy
		}
		switch {
		case refusal != nil:
		case client != nil && !client.mayUse(r.Scope):
			refusal = refusalFor("scope_missing")
		case r.Upstream == "":
			refusal = refusalFor("no_upstream")
		case client != nil:
			e.Tenant, refusal, detail = g.snapshot.Tenant(r, client.identity, q.tenantHeaders()...)
		}
	}
	if refusal != nil {
		var scope authcache.Scope
		if r != nil {
			scope = r.Scope
		}
		e.Refused = &refused{Reason: refusal.Reason, Status: g.snapshot.StatusOf(refusal, scope), Text: refusal.Text}
		if detail != "" {
			e.Refused.Text += "; " + detail
		}
	}
	return e, nil
}

// healthAnswer is what the health path says to a request, "" to one that is not for it.
func healthAnswer(s *config.Server, method, path string) string {
	if s.HealthPath == "" || path != s.HealthPath || method != "GET" && method != "HEAD" {
		return ""
	}
	text := "200 without credentials, by server.health_path; 503 while draining"
	if len(s.HealthUpstreams) > 0 {
		text += ", and while one of " + strings.Join(s.HealthUpstreams, ", ") + " has had no healthy host for a while"
	}
	return text
}

// tenantHeaders are the values of X-Scope-OrgID that the request has.
func (q question) tenantHeaders() []string {
	if q.tenantHeader == "" {
		return nil
	}
	return []string{q.tenantHeader}
}

// refusalFor finds an entry of the proxy's table.
func refusalFor(reason string) *proxy.Refusal {
	for _, r := range proxy.Refusals() {
		if r.Reason == reason {
			return r
		}
	}
	panic("BUG: no refusal has the reason " + reason)
}

func describeRoute(r *proxy.Route, path string) *matched {
	m := &matched{
		Path:           writtenPath(r),
		Methods:        append([]string{}, r.Methods...),
		Component:      r.Component,
		Scope:          r.Scope.String(),
		Upstream:       r.Upstream,
		UpstreamPath:   path,
		Host:           r.Host,
		Hosts:          []string{},
		Timeout:        r.Timeout.String(),
		ReadTimeout:    r.ReadTimeout.String(),
		WriteTimeout:   r.WriteTimeout.String(),
		ConnectTimeout: r.ConnectTimeout.String(),
		BodyTimeout:    r.BodyTimeout.String(),
		Retries:        r.Retries,
		MaxBodySize:    r.MaxBodySize,
		MaxInFlight:    r.MaxInFlight,
	}
	if r.HasRewrite {
		m.UpstreamPath = r.Rewrite + strings.TrimPrefix(path, r.Path)
	}
	if r.Pool == nil {
		return m
	}
	for _, h := range r.Pool.Hosts() {
		m.Hosts = append(m.Hosts, h.Addr())
	}
	if err := r.Pool.ResolveError(); err != nil {
		m.HostsProblem = err.Error()
	}
	return m
}

func (e *explanation) writeJSON(c console) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return errors.New("BUG: the explanation is not JSON")
	}
	c.printf("%s\n", text)
	return nil
}

// write prints one line for each thing there is to say.
func (e *explanation) write(c console) {
	line := func(name, value string) { c.printf("%-16s %s\n", name, value) }
	line("request", e.Method+" "+e.Path)
	if e.Answered != "" {
		line("answered", e.Answered)
		return
	}
	if e.Refused != nil {
		line("refused", fmt.Sprintf("%d %s: %s", e.Refused.Status, e.Refused.Reason, e.Refused.Text))
	}
	if r := e.Route; r != nil {
		r.write(line)
	}
	if e.Credential == nil {
		line("tenant", "that of the credential; without a good one 401")
	} else {
		e.Credential.write(line)
		if e.Tenant != "" {
			line("tenant", e.Tenant)
		}
	}
	switch {
	case e.TenantHeader == "":
	case e.Credential == nil:
		line("tenant header", fmt.Sprintf("%q is removed, unless the credential may name it", e.TenantHeader))
	case e.Refused == nil && e.Tenant != e.TenantHeader && !named(e.Tenant, e.TenantHeader):
		line("tenant header", fmt.Sprintf("%q is removed: the tenant comes from the credential", e.TenantHeader))
	}
}

func (m *matched) write(line func(name, value string)) {
	methods := "any"
	if len(m.Methods) > 0 {
		methods = strings.Join(m.Methods, ", ")
	}
	line("route", m.Path+" ("+methods+")")
	line("component", m.Component)
	line("scope", m.Scope)
	if m.Upstream == "" {
		return
	}
	line("upstream", m.Upstream)
	line("upstream path", m.UpstreamPath)
	line("host", m.Host)
	hosts := strings.Join(m.Hosts, ", ")
	if m.HostsProblem != "" {
		hosts = strings.TrimSpace(hosts + " (" + m.HostsProblem + ")")
	}
	line("hosts", cmp.Or(hosts, "none"))
	line("policy", m.Policy)
	line("timeout", m.Timeout)
	line("read timeout", m.ReadTimeout)
	line("write timeout", m.WriteTimeout)
	line("connect timeout", m.ConnectTimeout)
	line("body timeout", m.BodyTimeout)
	line("retries", fmt.Sprint(m.Retries))
	line("max body size", fmt.Sprintf("%d bytes", m.MaxBodySize))
	if m.MaxInFlight > 0 {
		line("max in flight", fmt.Sprint(m.MaxInFlight))
	}
}
