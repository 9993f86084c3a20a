package balancer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Resolver looks names up. It is called from background goroutines only, several at a time.
type Resolver interface {
	// LookupIP returns the A and AAAA records of host. Addresses together with an error mean that one of the two
	// families could not be asked; the pool then keeps what it knew of the family that is missing.
	LookupIP(ctx context.Context, host string) ([]netip.Addr, error)
	// LookupSRV returns the SRV records of name, which is taken as it is ("_http._tcp.distributor.example").
	LookupSRV(ctx context.Context, name string) ([]*net.SRV, error)
}

// NewResolver returns a Resolver that asks the given DNS servers, "address" or "address:port" with port 53 as the
// default. It stays with the server that answered last and goes round the others when that one fails; "no such name"
// is an answer. Without servers it asks those of the system. The hosts file and the search list of the system apply in
// both cases. Nothing is cached.
func NewResolver(servers []string) Resolver {
	if len(servers) == 0 {
		return &dnsResolver{servers: []*net.Resolver{{PreferGo: true}}}
	}
	r := &dnsResolver{}
	for _, server := range servers {
		address := withPort(server)
		r.servers = append(r.servers, &net.Resolver{
			PreferGo: true,
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			},
		})
	}
	return r
}

// withPort returns server with the port of DNS when it has none; an IPv6 address may come with or without brackets.
func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	if n := len(server); n > 1 && server[0] == '[' && server[n-1] == ']' {
		server = server[1 : n-1]
	}
	return net.JoinHostPort(server, "53")
}

// minServerTimeout is the least time one of several servers is given to answer.
const minServerTimeout = 2 * time.Second

// dnsResolver asks one net.Resolver for each server, because a net.Resolver chooses the server itself, by the system's
// list, and would never come to the third of three when the system knows only one.
type dnsResolver struct {
	servers []*net.Resolver
	first   atomic.Uint32 // the index of the server that answered last
}

// LookupIP asks for both families at once and apart from each other, so that an answer for one is not taken for the
// whole truth when the other could not be asked.
func (r *dnsResolver) LookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	var v4, v6 []netip.Addr
	var err4, err6 error
	var wg sync.WaitGroup
	wg.Go(func() { v4, err4 = r.lookupFamily(ctx, "ip4", host) })
	wg.Go(func() { v6, err6 = r.lookupFamily(ctx, "ip6", host) })
	wg.Wait()

	addrs := append(v4, v6...)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	// With both errors the one that is not "no such name" tells more; with one answer only that one matters.
	switch {
	case err4 != nil && !notFound(err4):
		return addrs, err4
	case err6 != nil && !notFound(err6):
		return addrs, err6
	case len(addrs) == 0:
		return nil, err4
	default:
		return addrs, nil
	}
}

func (r *dnsResolver) lookupFamily(ctx context.Context, network, host string) (addrs []netip.Addr, err error) {
	err = r.ask(ctx, func(ctx context.Context, server *net.Resolver) error {
		addrs, err = server.LookupNetIP(ctx, network, host)
		return err
	})
	return addrs, err
}

// LookupSRV returns the usable records even when others of the same answer are malformed.
func (r *dnsResolver) LookupSRV(ctx context.Context, name string) (records []*net.SRV, err error) {
	err = r.ask(ctx, func(ctx context.Context, server *net.Resolver) error {
		_, records, err = server.LookupSRV(ctx, "", "", name)
		if len(records) > 0 {
			return nil
		}
		return err
	})
	return records, err
}

// ask calls lookup with one server after the other until one of them answers, be it that there is no such name.
func (r *dnsResolver) ask(ctx context.Context, lookup func(context.Context, *net.Resolver) error) error {
	share := minServerTimeout
	if deadline, ok := ctx.Deadline(); ok {
		share = max(share, time.Until(deadline)/time.Duration(len(r.servers)))
	}
	first := int(r.first.Load())
	var err error
	for i := range r.servers {
		n := (first + i) % len(r.servers)
		tryCtx, cancel := context.WithTimeout(ctx, share)
		err = lookup(tryCtx, r.servers[n])
		cancel()
		if err == nil || notFound(err) {
			r.first.Store(uint32(n))
			return err
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return err
}

// notFound reports whether err says that DNS was asked and there is nothing.
func notFound(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	// The hosts file knows the name, but not in this family.
	_, ok := errors.AsType[*net.AddrError](err)
	return ok
}
