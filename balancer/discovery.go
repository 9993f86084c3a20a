package balancer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// lookupTimeout bounds the look-up of one target. It is long enough for the system's resolver to give up on two dead
	// servers (5 s each) and ask the third; no request waits for it.
	lookupTimeout = 12 * time.Second
	// unknownInterval is the longest pause while a target has never been answered: somebody may be waiting for it.
	unknownInterval = time.Second
)

// errEmpty is the failure of a look-up that came back with nothing in it.
var errEmpty = errors.New("the answer is empty")

// answer is the last good answer for one target. It is immutable.
type answer struct {
	hosts []netip.AddrPort
	// names holds the addresses of every name that was looked up for it, to fall back on name by name.
	names map[string][]netip.Addr
}

// answers holds the last good answer of each target that ever had one. It is immutable: pools share it.
type answers map[Target]answer

// discover asks for every target that is not a literal address, again and again until ctx ends.
func (p *Pool) discover(ctx context.Context) {
	for {
		p.refresh(ctx)
		if p.o.afterRound != nil {
			p.o.afterRound()
		}
		pause := time.NewTimer(p.pause())
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// pause returns how long to wait for the next round: RefreshInterval ±10 %, so that the gateways of a site do not ask in
// step for ever.
func (p *Pool) pause() time.Duration {
	interval := p.o.RefreshInterval
	if len(*p.answers.Load()) < len(p.names) {
		interval = min(interval, unknownInterval)
	}
	return jitter(interval)
}

// jitter returns a random duration within 10 % of d.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// refresh asks for every name once, all at the same time, and puts each answer to use when it comes: a name whose
// server is dead does not hold up the others.
func (p *Pool) refresh(ctx context.Context) {
	type result struct {
		target Target
		answer answer
		err    error
	}
	results := make(chan result, len(p.names))
	last := *p.answers.Load()
	for _, t := range p.names {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
			defer cancel()
			a, err := lookUp(ctx, p.o.Resolver, t, last[t])
			results <- result{t, a, err}
		}()
	}
	failed := 0
	var lastErr error
	for range p.names {
		r := <-results
		if ctx.Err() != nil {
			continue // the pool closes: an error now says nothing about DNS
		}
		p.series.lookups.Add(1)
		if r.err != nil {
			failed++
			lastErr = r.err
			p.series.lookupFailures.Add(1)
		}
		p.logLookup(r.target, r.err)
		if len(r.answer.hosts) > 0 {
			p.learn(r.target, r.answer)
		}
	}
	if ctx.Err() != nil {
		return
	}
	now := resolution{ok: failed == 0, err: lastErr, at: p.resolution.Load().at}
	if now.ok {
		now.at = time.Now()
	}
	p.resolution.Store(&now)
	p.askedOnce()
}

// logLookup logs when a target begins to fail and when it is answered again, not every time in between.
func (p *Pool) logLookup(t Target, err error) {
	_, failing := p.failing[t]
	switch {
	case err != nil && !failing:
		p.failing[t] = struct{}{}
		left := "the hosts of the last good answer stay"
		if _, answered := (*p.answers.Load())[t]; !answered {
			left = "it has never been answered, so its hosts are not known"
		}
		p.o.Log.Warn("look-up failed; "+left, "target", t.String(), "error", err)
	case err == nil && failing:
		delete(p.failing, t)
		p.o.Log.Info("look-up works again", "target", t.String())
	}
}

// learn replaces the answer for t and brings the list of hosts up to date.
func (p *Pool) learn(t Target, a answer) {
	all := make(answers, len(p.names))
	for target, known := range *p.answers.Load() {
		all[target] = known
	}
	all[t] = a
	p.answers.Store(&all)
	p.apply(all)
}

// lookUp asks for one target. It returns an answer together with an error when only a part could be asked and the rest
// comes from the last answer; without any address of today's it returns no answer at all, and the last one stays.
func lookUp(ctx context.Context, r Resolver, t Target, last answer) (answer, error) {
	if t.Kind == SRV {
		return lookUpSRV(ctx, r, t, last)
	}
	addrs, err := lookUpName(ctx, r, t.Host, last.names[t.Host])
	if len(addrs) == 0 {
		return answer{}, err
	}
	a := answer{names: map[string][]netip.Addr{t.Host: addrs}}
	for _, addr := range addrs {
		a.hosts = append(a.hosts, netip.AddrPortFrom(addr, t.Port))
	}
	return a, err
}

// lookUpName returns the addresses of name. When a family could not be asked, its addresses of the last time are among
// them, beside the error.
func lookUpName(ctx context.Context, r Resolver, name string, last []netip.Addr) ([]netip.Addr, error) {
	addrs, err := r.LookupIP(ctx, name)
	if len(addrs) == 0 {
		if err == nil {
			err = errEmpty
		}
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	if err == nil {
		return addrs, nil
	}
	answered := addrs[0].Is4()
	for _, addr := range last {
		if addr.Is4() != answered {
			addrs = append(addrs, addr)
		}
	}
	return addrs, fmt.Errorf("look up %s: %w", name, err)
}

func lookUpSRV(ctx context.Context, r Resolver, t Target, last answer) (answer, error) {
	records, err := r.LookupSRV(ctx, t.Host)
	records = lowestPriority(records)
	if len(records) == 0 {
		if err == nil {
			err = errEmpty
		}
		return answer{}, fmt.Errorf("look up SRV %s: %w", t.Host, err)
	}

	a := answer{names: make(map[string][]netip.Addr)}
	var mu sync.Mutex // guards a.names, fresh and firstErr
	var firstErr error
	fresh := false
	var wg sync.WaitGroup
	for name := range namesOf(records) {
		wg.Go(func() {
			addrs, err := lookUpName(ctx, r, name, last.names[name])
			mu.Lock()
			defer mu.Unlock()
			fresh = fresh || len(addrs) > 0
			if err != nil && firstErr == nil {
				firstErr = err
			}
			if len(addrs) == 0 {
				addrs = last.names[name]
			}
			if len(addrs) > 0 {
				a.names[name] = addrs
			}
		})
	}
	wg.Wait()
	if !fresh {
		return answer{}, firstErr
	}
	for _, record := range records {
		for _, addr := range a.names[record.Target] {
			a.hosts = append(a.hosts, netip.AddrPortFrom(addr, record.Port))
		}
	}
	return a, firstErr
}

// lowestPriority returns the records with the lowest priority number, without those that name no host ("." says that
// there is no such service, RFC 2782).
func lowestPriority(records []*net.SRV) []*net.SRV {
	var lowest []*net.SRV
	for _, record := range records {
		if strings.Trim(record.Target, ".") == "" || record.Port == 0 {
			continue
		}
		if len(lowest) > 0 && record.Priority < lowest[0].Priority {
			lowest = lowest[:0]
		}
		if len(lowest) == 0 || record.Priority == lowest[0].Priority {
			lowest = append(lowest, record)
		}
	}
	return lowest
}

func namesOf(records []*net.SRV) map[string]struct{} {
	names := make(map[string]struct{}, len(records))
	for _, record := range records {
		names[record.Target] = struct{}{}
	}
	return names
}
