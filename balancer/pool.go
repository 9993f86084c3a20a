package balancer

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is the hosts of one upstream. Pick, Hosts and Resolved may be called from any number of goroutines, also after
// Close: a request that began before a reload ends with the pool it began with.
type Pool struct {
	// next counts first picks, again those that had to avoid a host. They are apart because a counter that failing
	// requests move twice falls into step with the list, and then some hosts are never picked. Each has a cache line
	// of its own, away from what is only read.
	_     [64]byte
	next  atomic.Uint64
	_     [56]byte
	again atomic.Uint64
	_     [56]byte

	hosts      atomic.Pointer[[]*Host]   // sorted, immutable; replaced only when it changes
	complete   atomic.Bool               // none of hosts is passed over
	completing sync.Mutex                // guards changes of complete
	changed    atomic.Pointer[time.Time] // when hosts was last replaced
	answers    atomic.Pointer[answers]
	resolution atomic.Pointer[resolution]

	o      Options
	link   link
	names  []Target // the targets that are looked up
	series *poolSeries

	// failing and spare belong to whoever calls apply: New, then the resolver goroutine, then Close.
	failing map[Target]struct{}
	spare   map[hostKey]*Host // hosts of the pool before this one that may still turn up in an answer

	woken chan struct{} // has room for one: a host's health wants looking after

	asked     chan struct{} // closed when every target has been asked once
	askedOnce func()
	stop      context.CancelFunc
	running   sync.WaitGroup
	close     sync.Once
}

// Secure reports whether the hosts are spoken to through TLS.
func (p *Pool) Secure() bool { return p.link.secure }

// resolution is how the last round of look-ups went.
type resolution struct {
	ok  bool
	err error
	at  time.Time // of the last round in which every target was answered
}

// hostKey is what makes a host: the same address under two names is two hosts, because TLS verifies the name.
type hostKey struct {
	addr       netip.AddrPort
	serverName string
}

// New starts a pool. It never blocks and never fails: literal addresses are known when it returns, names are looked up
// in the background (see Wait), and until the first answer Pick returns nil.
//
// From a pool that it replaces, from (nil: none), it takes over the answers to targets that both have, so that a reload
// while DNS is down loses nothing, and the hosts whose address and connection options are the same, with their
// connections, health and counters. The caller closes from afterwards; hosts that were taken over stay open. If the new
// pool is closed instead, from keeps them.
func New(o Options, from *Pool) *Pool {
	o = o.withDefaults()
	p := &Pool{
		o:       o,
		link:    o.link(),
		failing: make(map[Target]struct{}),
		spare:   make(map[hostKey]*Host),
		asked:   make(chan struct{}),
		woken:   make(chan struct{}, 1),
	}
	p.askedOnce = sync.OnceFunc(func() { close(p.asked) })
	p.setHosts([]*Host{})
	p.resolution.Store(&resolution{})
	p.next.Store(rand.Uint64N(1 << 32)) // gateways that start together do not all begin with the same host
	p.setTargets(o.Targets)
	p.series = o.Metrics.add(p)

	known := answers{}
	if from != nil {
		p.next.Store(from.next.Load())
		for _, h := range *from.hosts.Load() {
			if h.link == p.link && h.hold(p) {
				h.forget(&p.o)
				p.spare[h.key] = h
			}
		}
		inherited := *from.answers.Load()
		for _, t := range p.names {
			if a, ok := inherited[t]; ok {
				known[t] = a
			}
		}
	}
	p.answers.Store(&known)
	p.apply(known)
	if from != nil && slices.Equal(p.Hosts(), from.Hosts()) {
		p.changed.Store(from.changed.Load())
	}
	if len(known) == len(p.names) {
		if len(p.names) > 0 {
			p.resolution.Store(from.resolution.Load())
		} else {
			p.resolution.Store(&resolution{ok: true, at: time.Now()})
		}
		p.askedOnce()
	}

	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	if len(p.names) > 0 {
		p.running.Go(func() { p.discover(ctx) })
	}
	if p.o.MaxFails > 0 || p.o.Health.Path != "" {
		p.running.Go(func() { p.watch(ctx) })
	}
	return p
}

// setTargets drops repeated targets and notes those that are looked up.
func (p *Pool) setTargets(targets []Target) {
	p.o.Targets = nil
	for _, t := range targets {
		if slices.Contains(p.o.Targets, t) {
			continue
		}
		p.o.Targets = append(p.o.Targets, t)
		if t.Kind != Literal {
			p.names = append(p.names, t)
		}
	}
}

// Hosts returns the hosts as they are now, sorted by address. The slice is shared: do not change it.
func (p *Pool) Hosts() []*Host {
	return *p.hosts.Load()
}

// MaxConnections returns how many connections all hosts may have together; zero is no limit, or no host. A host that is
// passed over counts with what is still under way there, unless all are: nobody is sent to the rest of its connections.
func (p *Pool) MaxConnections() int {
	hosts, each := p.Hosts(), p.link.maxConnections
	if each == 0 || p.complete.Load() {
		return each * len(hosts) // Fast path
	}
	usable, stuck := 0, 0
	for _, h := range hosts {
		if h.Available() {
			usable++
		} else {
			stuck += int(min(h.InFlight(), int64(each)))
		}
	}
	if usable == 0 {
		return each * len(hosts)
	}
	return each*usable + stuck
}

// Resolved reports whether every target was answered when last asked, and when that was last so: the zero time means
// never. A pool of literal addresses alone is resolved from the start.
func (p *Pool) Resolved() (bool, time.Time) {
	r := p.resolution.Load()
	return r.ok, r.at
}

// ResolveError returns why the last round of look-ups was not complete, nil when it was.
func (p *Pool) ResolveError() error {
	return p.resolution.Load().err
}

// Wait waits until every target has been asked once, with or without success, and reports whether that came before the
// end of ctx. A reload that waits a moment here does not swap known hosts for none.
func (p *Pool) Wait(ctx context.Context) bool {
	select {
	case <-p.asked:
		return true
	default:
	}
	select {
	case <-p.asked:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close stops the look-ups and the probes, and waits for their goroutines. Idle connections of hosts that no other pool
// took over are closed at once, those on loan when they are released. Closing twice does nothing more.
func (p *Pool) Close() {
	p.close.Do(func() {
		p.stop()
		p.running.Wait()
		p.o.Metrics.remove(p)
		for _, h := range p.Hosts() {
			h.letGo(p)
		}
		p.dropSpare()
	})
}

// apply makes the list of hosts what the answers say. When that is what it was, nothing changes, not even the slice.
func (p *Pool) apply(known answers) {
	keys := p.keys(known)
	current := *p.hosts.Load()
	same := slices.EqualFunc(keys, current, func(k hostKey, h *Host) bool { return k == h.key })
	if !same {
		p.replace(keys, current)
	}
	if len(known) == len(p.names) {
		p.dropSpare()
	}
}

// keys returns what hosts there are by the given answers, sorted, each once.
func (p *Pool) keys(known answers) []hostKey {
	var keys []hostKey
	for _, t := range p.o.Targets {
		serverName := p.o.serverName(t)
		if t.Kind == Literal {
			// A literal that does not parse was not made by ParseURL; as a host that cannot be there it is left out.
			if addr, err := netip.ParseAddr(t.Host); err == nil {
				keys = append(keys, hostKey{netip.AddrPortFrom(addr.Unmap(), t.Port), serverName})
			}
			continue
		}
		for _, addr := range known[t].hosts {
			keys = append(keys, hostKey{netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), serverName})
		}
	}
	slices.SortFunc(keys, func(a, b hostKey) int {
		return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.serverName, b.serverName))
	})
	return slices.Compact(keys)
}

// replace swaps in a list with the given keys. Hosts that stay are the same values as before.
func (p *Pool) replace(keys []hostKey, current []*Host) {
	leaving := make(map[hostKey]*Host, len(current))
	for _, h := range current {
		leaving[h.key] = h
	}
	list := make([]*Host, 0, len(keys))
	came, went := []string{}, []string{} // never nil: a log in JSON has them as lists
	for _, key := range keys {
		if h, ok := leaving[key]; ok {
			delete(leaving, key)
			list = append(list, h)
			continue
		}
		h, ok := p.spare[key]
		if ok {
			delete(p.spare, key)
		} else {
			h = newHost(key, p)
			came = append(came, h.Addr())
		}
		list = append(list, h)
	}
	p.setHosts(list)
	p.wakeUp()

	// Only now: a host that is let go closes its connections, and nobody picks it any more.
	for _, key := range slices.SortedFunc(maps.Keys(leaving), func(a, b hostKey) int { return a.addr.Compare(b.addr) }) {
		went = append(went, leaving[key].Addr())
		leaving[key].letGo(p)
	}
	p.o.Log.Info("hosts changed", "hosts", len(list), "came", came, "went", went)
}

func (p *Pool) dropSpare() {
	for key, h := range p.spare {
		delete(p.spare, key)
		h.letGo(p)
	}
}
