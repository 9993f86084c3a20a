package authcache

import (
	"bytes"
	"container/list"
	"sync"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// Shares of one core that checks which fail may use, a tenth in all. The common lane serves everybody in turn. When
// wrong secrets have used up its budget, the reserve lane goes on for names that are hopeful, so that a flood of wrong
// passwords does not keep out a client whose right one was never seen. Signatures have a queue and a share of their own:
// neither kind of flood keeps out the other kind of client.
const (
	commonShare    = 0.04
	reserveShare   = 0.04
	signatureShare = 0.02
)

// queue runs slow checks: once for each secret however many requests ask, a bounded number at a time, first come first
// served, and with bounded time for those that fail.
//
// What a client is told, and when, follows from the common lane alone, where unknown users and wrong passwords are
// treated the same; the reserve lane only ever says yes, and has the workers only while the common lane has no use for
// them. Else an attacker could tell one from the other by using up the budget first.
type queue struct {
	match   func(*flight) (*record, verify.Work) // finds what vouches for the secret, nil if nothing does, and tells the work done
	pad     func(*flight, verify.Work)           // adds what is missing to the work of a rejection
	proved  func(*record, digest)                // a secret is right
	refused func(*flight)                        // a secret is wrong
	slowly  func(check func())                   // runs match and pad
	ttl     func() time.Duration                 // how long a proof holds; 0: for ever
	share   float64                              // of one core, for checks in the common lane that fail
	limit   int                                  // flights that may wait in each lane
	timeout time.Duration                        // how long one may wait
	metrics *counters

	workers sync.WaitGroup
	mu      sync.Mutex
	wake    *sync.Cond // something may have become runnable, or the queue was closed
	closed  bool
	flights map[digest]*flight // those that somebody can join

	common, reserve             list.List // of *flight, oldest first
	commonBudget, reserveBudget budget
	failed                      time.Duration // what the last check took that failed in the common lane, where they do equal work
	refill                      *time.Timer   // wakes a worker when there is credit again
}

// start begins with this number of workers. They end with close.
func (q *queue) start(workers int) {
	now := time.Now()
	q.wake = sync.NewCond(&q.mu)
	q.flights = map[digest]*flight{}
	q.commonBudget = newBudget(q.share, now)
	q.reserveBudget = newBudget(reserveShare, now)
	for range workers {
		q.workers.Go(q.work)
	}
}

// close tells all that wait that they were too many, and returns when the workers have ended.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	for _, lane := range []*list.List{&q.common, &q.reserve} {
		for lane.Len() > 0 {
			f := lane.Front().Value.(*flight)
			q.leave(f)
			q.settle(f, busy, nil)
			f.wipe()
		}
	}
	if q.refill != nil {
		q.refill.Stop()
	}
	q.wake.Broadcast()
	q.mu.Unlock()
	q.workers.Wait()
}

// join returns the flight of this check, a new one if there is none, or nil when the queue is full. known reports whether
// the secret was proved meanwhile, by a flight that has just ended; then there is nothing to wait for, and no flight.
func (q *queue) join(c check, secret []byte, known func() bool) (_ *flight, proved bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	if f := q.flights[c.key]; f != nil {
		return f, false
	}
	if known() {
		return nil, true
	}
	full := q.common.Len() >= q.limit
	hopeful := c.name != nil && !c.name.shadow && q.reserve.Len() < q.limit && c.name.hopeful(c.records, time.Now(), q.ttl())
	if full {
		q.metrics.queueFull.Inc()
		if !hopeful {
			return nil, false
		}
	}

	f := &flight{check: c, secret: bytes.Clone(secret), done: make(chan struct{}), verdict: Rejected}
	f.timer = time.AfterFunc(q.timeout, func() { q.expire(f) })
	if hopeful {
		c.name.shadow = true
		f.reserve = q.reserve.PushBack(f)
	}
	if full {
		// Nobody waits for this one: a name that does not exist would be refused here too. But should the secret
		// be right, the client is known when it comes again.
		f.settle(busy, nil)
	} else {
		f.common = q.common.PushBack(f)
		q.flights[c.key] = f
	}
	q.wake.Signal()
	if full {
		return nil, false
	}
	return f, false
}

// waiting is the number of flights in the common lane.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.common.Len()
}

// expire ends the wait of a flight that no worker took in time.
func (q *queue) expire(f *flight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f.lane == inCommon || f.common == nil && f.reserve == nil && f.lane == idle {
		return // it will be answered, or was
	}
	if !f.settled {
		q.metrics.queueTimeout.Inc()
	}
	q.leave(f)
	q.settle(f, busy, nil)
	f.wipe()
}

func (q *queue) work() {
	for {
		f := q.next()
		if f == nil {
			return
		}
		started := time.Now()
		var r *record
		q.slowly(func() {
			var spent verify.Work
			r, spent = q.match(f)
			if r == nil && f.lane == inCommon { // in the reserve nobody is told, so nobody can measure
				q.pad(f, spent)
			}
		})
		q.finish(f, r, time.Since(started))
	}
}

// next waits for a flight that may run, and returns nil when the queue is closed.
func (q *queue) next() *flight {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		now := time.Now()
		if f := q.pick(now); f != nil {
			return f
		}
		q.wakeWithCredit(now)
		q.wake.Wait()
	}
	return nil
}

// pick takes the flight that is to run now, nil if there is none.
func (q *queue) pick(now time.Time) *flight {
	if q.commonBudget.open(now) {
		for e := q.common.Front(); e != nil; e = e.Next() {
			if f := e.Value.(*flight); f.lane == idle { // not under way in the reserve
				q.leave(f)
				f.lane = inCommon
				return f
			}
		}
	}
	if q.reserve.Len() > 0 && q.spare(now) && q.reserveBudget.open(now) {
		f := q.reserve.Front().Value.(*flight)
		q.reserve.Remove(f.reserve) // but it keeps its place in the common lane
		f.reserve = nil
		f.lane = inReserve
		return f
	}
	return nil
}

// reserveMargin is how many times as long as a check the budget of the common lane has to stay shut for one in the reserve to
// begin. Where slowly yields to what must not wait, one may take three times as long as the one before it.
const reserveMargin = 4

// spare reports whether a check that begins now is over before the budget of the common lane opens. Until then no worker
// has anything to do there, and afterwards none must be missing, or how long an answer takes would tell that somebody who may
// well be right has come.
func (q *queue) spare(now time.Time) bool { return q.commonBudget.wait(now) > reserveMargin*q.failed }

// wakeWithCredit sees to it that flights which wait for a budget are looked at when it has refilled.
func (q *queue) wakeWithCredit(now time.Time) {
	var wait time.Duration
	if q.common.Len() > 0 {
		wait = q.commonBudget.wait(now)
	}
	if q.reserve.Len() > 0 && q.spare(now) {
		if w := q.reserveBudget.wait(now); wait == 0 || w < wait {
			wait = w
		}
	}
	switch {
	case wait == 0:
	case q.refill == nil:
		q.refill = time.AfterFunc(wait, q.lookAgain)
	default:
		q.refill.Reset(wait)
	}
}

// finish tells what came of a check that took this long.
func (q *queue) finish(f *flight, r *record, took time.Duration) {
	q.metrics.verifySeconds.Update(took.Seconds())
	if r != nil {
		q.metrics.accepted.Inc()
		q.proved(r, f.digest)
	} else {
		q.metrics.rejected.Inc()
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	ran := f.lane
	f.lane = idle
	if ran == inReserve {
		f.name.shadow = false
	}
	switch {
	case r != nil:
		f.trust()
		q.accept(f, r)
		if same := q.flights[f.key]; same != nil && same.lane == idle {
			q.accept(same, r) // it came while f was in the reserve, and nobody waited for f
		}
	case ran == inCommon:
		q.commonBudget.charge(took, now)
		q.failed = took
		f.doubt(now)
		q.refused(f)
		q.settle(f, rejected, nil)
		q.wake.Signal() // the reserve may have its turn now
	default:
		q.reserveBudget.charge(took, now)
		f.doubt(now)
		q.wake.Signal() // it may still have its turn in the common lane
	}
	f.wipe()
}

func (q *queue) accept(f *flight, r *record) {
	q.leave(f)
	q.settle(f, accepted, r)
	f.wipe()
}

// leave takes the flight out of the lanes.
func (q *queue) leave(f *flight) {
	if f.common != nil {
		q.common.Remove(f.common)
		f.common = nil
	}
	if f.reserve != nil {
		q.reserve.Remove(f.reserve)
		f.reserve = nil
		f.name.shadow = false
	}
}

// settle tells everybody who waits; nobody can join any more. What they are told first stands.
func (q *queue) settle(f *flight, o outcome, r *record) {
	if q.flights[f.key] == f {
		delete(q.flights, f.key)
	}
	f.settle(o, r)
}

// lookAgain wakes every worker.
func (q *queue) lookAgain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wake.Broadcast()
}
