package doctor

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/balancer"
)

// Surroundings is what headgate shows to others and whom it talks to.
type Surroundings struct {
	Certificates []Certificate
	Upstreams    []Upstream
	Resolver     balancer.Resolver
	Now          time.Time
}

// Certificate is one that headgate shows.
type Certificate struct {
	Key     string // "server.tls"
	Expires time.Time
}

// Upstream is a component of Cortex.
type Upstream struct {
	Name    string
	Targets []balancer.Target
	TLS     *tls.Config // nil: plain HTTP
	Host    string      // that requests carry
	Path    string      // that is asked for to see whether somebody answers
	Connect time.Duration
}

const (
	soon       = 14 * 24 * time.Hour
	slowLookup = time.Second
	clockOff   = 5 * time.Second
	patience   = 5 * time.Second // for an answer, or for DNS
)

// Look examines certificates, names and hosts, the latter all at once.
func (s Surroundings) Look(ctx context.Context) []Finding {
	var all []Finding
	for _, c := range s.Certificates {
		all = append(all, c.look(s.Now))
	}
	found := make([][]Finding, len(s.Upstreams))
	var looking sync.WaitGroup
	for i := range s.Upstreams {
		looking.Go(func() { found[i] = s.upstream(ctx, &s.Upstreams[i]) })
	}
	looking.Wait()
	return append(all, slices.Concat(found...)...)
}

func (c Certificate) look(now time.Time) Finding {
	what := "certificate of " + c.Key
	switch left := c.Expires.Sub(now); {
	case left <= 0:
		return findf(Error, what, "it has ended %s; renew it", c.Expires.UTC().Format(time.DateOnly))
	case left < soon:
		return findf(Warning, what, "it ends %s; renew it", c.Expires.UTC().Format(time.DateOnly))
	}
	return findf(OK, what, "it is good until %s", c.Expires.UTC().Format(time.DateOnly))
}

// upstream looks the names up and asks every host that they stand for.
func (s Surroundings) upstream(ctx context.Context, u *Upstream) []Finding {
	var all []Finding
	var hosts []host
	for _, t := range u.Targets {
		addresses, finding := s.resolve(ctx, t)
		for _, address := range addresses {
			hosts = append(hosts, host{address, t.Name()})
		}
		if finding != nil {
			finding.What = "upstreams." + u.Name + ": " + finding.What
			all = append(all, *finding)
		}
	}
	slices.SortFunc(hosts, func(a, b host) int {
		return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.name, b.name))
	})
	hosts = slices.Compact(hosts)
	found := make([]Finding, len(hosts))
	var asking sync.WaitGroup
	for i, h := range hosts {
		asking.Go(func() {
			found[i] = u.ask(ctx, h)
			found[i].What = "upstreams." + u.Name + ": " + h.address.String()
		})
	}
	asking.Wait()
	return append(all, found...)
}

// host is one address, and the name that its certificate has to be for.
type host struct {
	address netip.AddrPort
	name    string
}

// resolve finds the hosts of a target. A literal address is worth no finding.
func (s Surroundings) resolve(ctx context.Context, t balancer.Target) ([]netip.AddrPort, *Finding) {
	if t.Kind == balancer.Literal {
		address, err := netip.ParseAddr(t.Host)
		if err != nil {
			return nil, nil
		}
		return []netip.AddrPort{netip.AddrPortFrom(address, t.Port)}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	var hosts []netip.AddrPort
	var err error
	if t.Kind == balancer.SRV {
		hosts, err = s.services(ctx, t.Host)
	} else {
		var addresses []netip.Addr
		addresses, err = s.Resolver.LookupIP(ctx, t.Host)
		for _, a := range addresses {
			hosts = append(hosts, netip.AddrPortFrom(a.Unmap(), t.Port))
		}
	}
	took := time.Since(began)
	finding := findf(OK, "name "+t.Host, "%d addresses, %s", len(hosts), took.Round(100*time.Microsecond))
	switch {
	case len(hosts) == 0 && err != nil:
		finding = findf(Error, "name "+t.Host, "it has no address: %v; correct url, or [dns] servers", err)
	case len(hosts) == 0:
		finding = findf(Error, "name "+t.Host, "it has no address; correct url, or DNS")
	case err != nil:
		finding = findf(Warning, "name "+t.Host, "%d addresses, but not all could be asked for: %v", len(hosts), err)
	case took > slowLookup:
		finding = findf(Warning, "name "+t.Host, "it took %s to look up; use a DNS server that is near, [dns] servers", took.Round(time.Millisecond))
	}
	return hosts, &finding
}

// services are the hosts of an SRV name.
func (s Surroundings) services(ctx context.Context, name string) ([]netip.AddrPort, error) {
	records, err := s.Resolver.LookupSRV(ctx, name)
	var hosts []netip.AddrPort
	for _, r := range records {
		addresses, failed := s.Resolver.LookupIP(ctx, strings.TrimSuffix(r.Target, "."))
		err = errors.Join(err, failed)
		for _, a := range addresses {
			hosts = append(hosts, netip.AddrPortFrom(a.Unmap(), r.Port))
		}
	}
	return hosts, err
}

// ask connects to a host as the gateway does, sends one request without a tenant, and compares the clocks.
func (u *Upstream) ask(ctx context.Context, h host) Finding {
	const what = "" // the caller's
	ctx, cancel := context.WithTimeout(ctx, u.Connect+patience)
	defer cancel()
	connecting, done := context.WithTimeout(ctx, u.Connect)
	defer done()
	began := time.Now()
	conn, err := u.connect(connecting, h)
	if err != nil {
		return findf(Error, what, "no connection: %v; start it, open the firewall, or correct url", err)
	}
	defer conn.Close()
	connected := time.Since(began)
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	status, date, err := get(conn, u.Host, u.Path)
	if err != nil {
		return findf(Warning, what, "it takes connections and does not answer GET %s: %v; is it Cortex?", u.Path, err)
	}
	if ahead := time.Until(date); !date.IsZero() && ahead.Abs() > clockOff {
		return findf(Warning, what, "its clock and the one here are %s apart; synchronise both", ahead.Abs().Round(time.Second))
	}
	return findf(OK, what, "connected in %s, GET %s answered %s", connected.Round(100*time.Microsecond), u.Path, strconv.Itoa(status))
}

func (u *Upstream) connect(ctx context.Context, h host) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", h.address.String())
	if err != nil || u.TLS == nil {
		return conn, err
	}
	settings := u.TLS.Clone()
	if settings.ServerName == "" {
		settings.ServerName = h.name
	}
	secure := tls.Client(conn, settings)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secure, nil
}

// get sends one request and reads the head of the answer.
func get(conn net.Conn, host, path string) (status int, date time.Time, err error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: headgate-doctor\r\nConnection: close\r\n\r\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return 0, time.Time{}, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, time.Time{}, err
	}
	defer answer.Body.Close()
	date, err = http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		date = time.Time{} // not every server says
	}
	return answer.StatusCode, date, nil
}
