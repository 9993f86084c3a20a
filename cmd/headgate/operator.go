package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/exposition"
	"github.com/headgate/headgate/proxy"
)

// operator shows an App to the admin listener.
type operator struct{ app *App }

// Access implements admin.Program.
func (o operator) Access() admin.Access {
	cfg := o.app.current.Load().config
	access := admin.Access{Trusted: prefixes(cfg.Admin.Trusted), AllowedOrigins: origins(cfg)}
	if network, address := cfg.Admin.Listen.Split(); network == "tcp" {
		access.Host, _, _ = net.SplitHostPort(address)
	}
	return access
}

// Ready implements admin.Program. Upstreams without hosts are named but change nothing: this gateway is as ready as any
// other one.
func (o operator) Ready() (bool, string) {
	if o.app.draining.Load() {
		return false, "draining: no new connections soon\n"
	}
	var text strings.Builder
	text.WriteString("ready\n")
	upstreams := o.app.current.Load().upstreams()
	for _, name := range slices.Sorted(maps.Keys(upstreams)) {
		switch since := upstreams[name].UnhealthySince(); {
		case len(upstreams[name].Addresses()) == 0:
			fmt.Fprintf(&text, "upstream %s: no host is known\n", name)
		case !since.IsZero():
			fmt.Fprintf(&text, "upstream %s: no host is healthy since %s\n", name, since.UTC().Format(time.RFC3339))
		}
	}
	o.app.writeSources(&text)
	o.app.current.Load().writeHeld(&text)
	return true, text.String()
}

// Config implements admin.Program.
func (o operator) Config() []byte { return o.app.current.Load().config.Redacted() }

// Reload implements admin.Program.
func (o operator) Reload() []string { return o.app.Reload() }

// AcceptRemovals implements admin.Program.
func (o operator) AcceptRemovals() { o.app.sources.AcceptRemovals() }

// WriteMetrics implements admin.Program.
func (o operator) WriteMetrics(w io.Writer) {
	// The error is the scraper's having gone.
	_ = exposition.Write(w, o.app.metrics.WritePrometheus, exposition.WriteRuntime, exposition.WriteProcess(o.app.started))
}

// Status implements admin.Program.
func (o operator) Status() admin.Status {
	a, g := o.app, o.app.current.Load()
	state := "running"
	if a.draining.Load() {
		state = "draining"
	}
	now, counts := time.Now(), a.counts()
	paces := a.recent.Since(now, counts)
	all := subject{}
	host, _ := os.Hostname() // "" where there is none
	status := admin.Status{
		Host:          host,
		Version:       a.build.version,
		Commit:        a.build.commit,
		GoVersion:     a.build.goVersion,
		BuildDate:     a.build.date,
		Started:       a.started.UTC(),
		UptimeSeconds: time.Since(a.started).Seconds(),
		State:         state,
		InFlight:      a.proxy.InFlight(),
		Connections:   a.proxy.Usages().Connections.Used,
		WindowSeconds: paces[all].Span.Seconds(),
		Traffic:       traffic(counts[all], paces[all]),
		Refusals:      refusals(counts[all], paces[all]),
		Listen:        texts(plain(g.servers)),
		ListenTLS:     texts(secure(g.servers)),
		Admin:         texts(g.admin),
		Certificates:  g.certificates(),
		Clients:       g.clients,
		MemoryLimit:   admin.MemoryLimit{Bytes: a.options.Memory.bytes, Origin: a.options.Memory.origin},
		Limits:        limitStatus(a.proxy),
		Config: admin.Config{
			Path:            a.file,
			SHA256:          g.digest,
			Loaded:          g.loaded.UTC(),
			LastReload:      *a.lastReload.Load(),
			RestartRequired: append([]string{}, g.restart...),
		},
		Upstreams:   upstreamStatus(g, counts, paces),
		Uses:        uses(counts, paces),
		Tenants:     busiest(counts, paces),
		Sources:     sourceStatus(a.parts.credentials),
		Credentials: a.listing.credentials(a.parts.credentials, now),
		Keys:        keyStatus(a.parts.credentials),
		Routes:      routeStatus(g.snapshot.Routes()),
	}
	status.Attention = status.Notices(now)
	status.Health = status.Worst()
	return status
}

// Credentials implements admin.Program.
func (o operator) Credentials(q admin.CredentialQuery) admin.Credentials {
	return selectedCredentials(o.app.parts.credentials.Credentials(), q)
}

func limitStatus(p *proxy.Proxy) []admin.Limit {
	u := p.Usages()
	limit := func(key string, u proxy.Usage) admin.Limit {
		return admin.Limit{Key: key, Used: u.Used, Limit: u.Limit}
	}
	return []admin.Limit{
		limit("server.max_connections", u.Connections),
		limit("limits.max_in_flight", u.Others),
		limit("limits.max_in_flight_reads", u.Reads),
		limit("limits.max_buffered", u.HeldBytes),
		limit("memory", p.Memory()),
	}
}

func routeStatus(routes []proxy.Route) []admin.Route {
	status := make([]admin.Route, 0, len(routes))
	for i := range routes {
		r := &routes[i]
		status = append(status, admin.Route{
			Path:        writtenPath(r),
			Methods:     append([]string{}, r.Methods...),
			Component:   r.Component,
			Upstream:    r.Upstream,
			Scope:       r.Scope.String(),
			Rewrite:     r.Rewrite,
			Timeout:     r.Timeout.String(),
			MaxBodySize: r.MaxBodySize,
			MaxInFlight: r.MaxInFlight,
		})
	}
	slices.SortStableFunc(status, func(a, b admin.Route) int { return cmp.Compare(a.Path, b.Path) })
	return status
}

// writtenPath is the path of a route as a configuration has it.
func writtenPath(r *proxy.Route) string {
	if r.Prefix {
		return r.Path + "/*"
	}
	return r.Path
}
