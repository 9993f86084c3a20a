package pipe

import (
	"slices"
	"sync"
	"time"
)

// Pool lends pipes, and keeps those that come back for a while. It may be used by any number of goroutines.
type Pool struct {
	limit int

	mu     sync.Mutex
	open   int     // pipes that are lent or idle
	idle   []*Pipe // empty; the last to come back is the first to go
	spare  int     // the fewest that were idle since the timer was set: nobody needs those
	timer  *time.Timer
	sink   int  // the file descriptor of what swallows everything
	tried  bool // whether the system calls work has been found out
	broken bool // they do not
	closed bool
}

// idleTime is how long a pipe that nobody needs stays open, or up to twice that.
const idleTime = 5 * time.Second

// NewPool makes a Pool that has up to limit pipes open, of two file descriptors each.
func NewPool(limit int) *Pool { return &Pool{limit: limit, sink: -1} }

// Lend lends an empty pipe, to be given back by its Release. It returns nil when there is none to be had: all are lent,
// or the system refuses more. Elsewhere than on Linux that is always so.
func (p *Pool) Lend() *Pipe {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken || p.closed {
		return nil
	}
	if !p.tried {
		p.tried = true
		if p.broken = p.try() != nil; p.broken {
			p.closeSink()
			return nil
		}
	}
	if last := len(p.idle) - 1; last >= 0 {
		lent := p.idle[last]
		p.idle = p.idle[:last]
		p.spare = min(p.spare, last)
		return lent
	}
	if p.open >= p.limit {
		return nil
	}
	opened, err := newPipe(p)
	if err != nil {
		return nil // too many files, or more memory in pipes than this user may have
	}
	p.open++
	return opened
}

// try finds out whether pipes can do here what they are for. The caller holds p.mu.
func (p *Pool) try() (err error) {
	if p.sink, err = openSink(); err != nil {
		return err
	}
	from, err := newPipe(p)
	if err != nil {
		return err
	}
	defer from.close()
	to, err := newPipe(p)
	if err != nil {
		return err
	}
	defer to.close()
	return try(from, to)
}

// take takes back what Lend gave.
func (p *Pool) take(back *Pipe) {
	empty := back.Drop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !empty || p.closed {
		back.close()
		p.open--
		p.closeSink()
		return
	}
	p.idle = append(p.idle, back)
	if p.timer == nil {
		p.spare = len(p.idle)
		p.timer = time.AfterFunc(idleTime, p.closeSpare)
	}
}

// closeSpare closes the pipes that were idle all the time since the last look.
func (p *Pool) closeSpare() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeIdle(p.spare)
	p.spare = len(p.idle)
	if p.timer = nil; len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(idleTime, p.closeSpare)
	}
}

// closeIdle closes the n that have been idle the longest. The caller holds p.mu.
func (p *Pool) closeIdle(n int) {
	for _, idle := range p.idle[:n] {
		idle.close()
		p.open--
	}
	p.idle = slices.Delete(p.idle, 0, n)
}

// closeSink gives the sink back once nothing can need it any more. The caller holds p.mu.
func (p *Pool) closeSink() {
	if (p.closed && p.open == 0 || p.broken) && p.sink >= 0 {
		_ = closeFile(p.sink)
		p.sink = -1
	}
}

// Close closes the idle pipes, and every other one when it comes back. Nothing is lent any more.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.closeIdle(len(p.idle))
	p.closeSink()
}

// Open is how many pipes are open.
func (p *Pool) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}
