package balancer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// wakeUp makes watch look at the hosts once more.
func (p *Pool) wakeUp() {
	select {
	case p.woken <- struct{}{}:
	default: // it is awake already
	}
}

// watch probes hosts when they are due, until ctx ends: those that are passed over for failed requests, and with
// Options.Health all of them.
func (p *Pool) watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.woken:
		}
		if p.o.Health.Path != "" {
			p.settle()
		}
		p.probeDue(ctx)
		timer.Reset(p.untilDue())
	}
}

// probeDue begins to probe every host that is due. Whoever looks after the host is woken up when its probe has ended.
func (p *Pool) probeDue(ctx context.Context) {
	for _, h := range p.Hosts() {
		if h.keeper.Load() != p {
			continue // a newer pool looks after it
		}
		if at, ok := h.due(&p.o); !ok || time.Until(at) > 0 || !h.beginProbe() {
			continue
		}
		p.running.Go(func() {
			if err := p.o.probe(ctx, h); ctx.Err() == nil {
				h.judge(err, &p.o, time.Now())
			}
			h.endProbe()
			h.keeper.Load().wakeUp()
		})
	}
}

// beginProbe notes that a probe of the host is under way. It reports false when one was: a pool that has just handed the
// host on may have begun it.
func (h *Host) beginProbe() bool {
	h.judged.Lock()
	defer h.judged.Unlock()
	began := !h.probing
	h.probing = true
	return began
}

func (h *Host) endProbe() {
	h.judged.Lock()
	h.probing = false
	h.judged.Unlock()
}

// untilDue returns how long no host wants to be probed.
func (p *Pool) untilDue() time.Duration {
	wait := time.Hour // a host that comes to want it sooner wakes us
	for _, h := range p.Hosts() {
		if at, ok := h.due(&p.o); ok && h.keeper.Load() == p {
			wait = min(wait, time.Until(at))
		}
	}
	return max(wait, 0)
}

// probeHost connects to a host, and asks for the health path when there is one. It uses a connection of its own, beside
// the pool's.
func (o Options) probeHost(ctx context.Context, h *Host) error {
	path := o.Health.Path
	timeout := h.link.connectTimeout
	if path != "" {
		timeout = o.Health.Timeout
	}
	deadline := time.Now().Add(timeout)
	s, err := h.connect(ctx, timeout)
	if err != nil {
		return err
	}
	defer s.Close()
	if path == "" {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.SetDeadline(deadline); err != nil {
		return err
	}
	name := o.Health.Host
	if name == "" {
		name = h.addr
	}
	const request = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: headgate\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := fmt.Fprintf(s.stream(), request, path, name); err != nil {
		return err
	}
	return readVerdict(s.stream())
}

// readVerdict reads the status line of an answer, and nothing of the rest.
func readVerdict(r io.Reader) error {
	line, err := bufio.NewReaderSize(r, 512).ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the answer to the health probe: %w", err)
	}
	version, rest, _ := strings.Cut(string(line), " ")
	status, _, _ := strings.Cut(strings.TrimRight(rest, "\r\n"), " ")
	if !strings.HasPrefix(version, "HTTP/1.") || len(status) != 3 {
		return fmt.Errorf("the answer to the health probe is not HTTP/1: it begins with %.40q", line)
	}
	if status[0] != '2' {
		return fmt.Errorf("the answer to the health probe is %s, want 2xx", status)
	}
	return nil
}
