package load

import (
	"fmt"
	"time"

	"github.com/headgate/headgate/bench/socket"
)

// driver is one run.
type driver struct {
	o        Options
	poller   *socket.Poller
	conns    map[int]*conn // by file descriptor
	free     queue
	schedule schedule
	began    time.Time
	phase    phase
	from     time.Duration // the window, since the run began
	until    time.Duration
	busy     int // requests under way
	buffer   []byte
	turns    int // of Further
	found    int // sockets on which something had changed, at the last look
	result   *Result
}

// request is the next request to send.
func (d *driver) request() []byte {
	if len(d.o.Further) == 0 {
		return d.o.Request
	}
	d.turns++
	if i := d.turns % (len(d.o.Further) + 1); i > 0 {
		return d.o.Further[i-1]
	}
	return d.o.Request
}

type phase int

const (
	opening phase = iota // nothing is sent
	warming
	measuring
	draining
)

// conn is one connection and the request on it.
type conn struct {
	stream
	out    []byte // what is still to be written of the request
	held   bool   // the stream holds back a part of what it took
	busy   bool
	due    time.Duration
	answer answer
}

// queue is first in, first out, so that an open loop uses all connections in turn.
type queue struct {
	ring  []*conn
	head  int
	count int
}

func (q *queue) push(c *conn) {
	q.ring[(q.head+q.count)%len(q.ring)] = c
	q.count++
}

func (q *queue) pop() *conn {
	c := q.ring[q.head]
	q.head = (q.head + 1) % len(q.ring)
	q.count--
	return c
}

func newDriver(o Options) (*driver, error) {
	poller := o.Poller
	if poller == nil {
		var err error
		if poller, err = socket.NewPoller(); err != nil {
			return nil, err
		}
	}
	d := &driver{
		o: o, poller: poller, conns: make(map[int]*conn, o.Connections), free: queue{ring: make([]*conn, o.Connections)},
		buffer: make([]byte, 64<<10), result: &Result{Latency: newHistogram(), Late: newHistogram()},
	}
	if o.Pace == Open {
		d.schedule = newSchedule(o.Rate)
	}
	for i := range o.Connections {
		c := &conn{}
		err := d.open(c)
		if err == nil && i%100 == 0 {
			// What is accepted on this thread is accepted now, before the queue is full and connecting waits for it.
			err = d.turn(0)
		}
		if err != nil {
			d.close()
			return nil, err
		}
		d.free.push(c)
	}
	return d, nil
}

// open gives a conn a new connection.
func (d *driver) open(c *conn) error {
	stream, err := dial(d.o.Addr, d.o.TLS)
	if err != nil {
		return err
	}
	*c = conn{stream: stream}
	d.conns[stream.fd()] = c
	return d.poller.Add(stream.fd())
}

func (d *driver) close() {
	for _, c := range d.conns {
		c.close()
	}
	if d.o.Poller == nil {
		d.poller.Close()
	}
}

func (d *driver) now() time.Duration { return time.Since(d.began) }

func (d *driver) run() error {
	d.began = time.Now()
	if d.o.Pace == Once {
		return d.runOnce()
	}
	d.phase = warming
	if err := d.serve(d.o.Warmup); err != nil {
		return err
	}
	if err := call(d.o.Started); err != nil {
		return err
	}
	d.phase, d.from = measuring, d.now()
	d.until = d.from + d.o.Duration
	if err := d.serve(d.until); err != nil {
		return err
	}
	d.result.Window = d.now() - d.from
	if err := call(d.o.Ended); err != nil {
		return err
	}
	d.phase = draining
	if err := d.drain(); err != nil {
		return err
	}
	d.countUnfinished()
	return nil
}

// runOnce lets each connection send one request, then leaves all of them alone.
func (d *driver) runOnce() error {
	d.phase = measuring
	for d.free.count > 0 {
		if err := d.send(d.free.pop(), d.now()); err != nil {
			return err
		}
	}
	for d.busy > 0 {
		if d.now() > d.o.Grace+d.o.Warmup {
			return fmt.Errorf("%d of %d requests without an answer after %s", d.busy, d.o.Connections, d.now().Round(time.Millisecond))
		}
		if err := d.turn(100 * time.Millisecond); err != nil {
			return err
		}
	}
	if err := call(d.o.Started); err != nil {
		return err
	}
	from := d.now()
	d.phase = draining
	for d.now() < from+d.o.Duration {
		if err := d.turn(from + d.o.Duration - d.now()); err != nil {
			return err
		}
	}
	d.result.Window = d.now() - from
	return call(d.o.Ended)
}

// serve sends and receives until a moment since the run began.
func (d *driver) serve(until time.Duration) error {
	for {
		if err := d.fill(); err != nil {
			return err
		}
		now := d.now()
		if now >= until {
			return nil
		}
		patience := d.patience(now, until)
		if err := d.turn(patience); err != nil {
			return err
		}
		if patience == 0 && d.found == 0 && d.phase == measuring {
			d.result.Idle += d.now() - now
		}
	}
}

// wakeup is more than a thread that sleeps is ever late on a quiet machine.
const wakeup = time.Millisecond

// patience is how long to sleep until sockets have something: to the next request that can be sent, less what waking up
// takes; not at all while answers are what is waited for. Whoever answers a thread that sleeps has to wake its processor,
// which under a hypervisor costs more than the answer: of pushes of 512 KiB proxies would take 90 µs or 170, as the load
// happens to be the slower side or not.
func (d *driver) patience(now, until time.Duration) time.Duration {
	if d.o.Pace == Open {
		return max(0, min(until, d.schedule.due())-now-wakeup)
	}
	return 0
}

// drain lets the requests under way, and those of an open loop that are due, come to their end.
func (d *driver) drain() error {
	over := d.now() + d.o.Grace
	for d.now() < over {
		if err := d.fill(); err != nil {
			return err
		}
		if d.busy == 0 {
			return nil
		}
		if err := d.turn(over - d.now()); err != nil {
			return err
		}
	}
	return nil
}

// countUnfinished counts what was due in the window and got no answer, with the age it has now.
func (d *driver) countUnfinished() {
	if d.o.Pace != Open {
		return
	}
	now := d.now()
	for _, c := range d.conns {
		if c.busy && d.inWindow(c.due) {
			d.result.Unfinished++
			record(d.result.Latency, now-c.due)
		}
	}
	for ; d.schedule.due() < d.until; d.schedule.take() {
		if d.inWindow(d.schedule.due()) {
			d.result.Unfinished++
			record(d.result.Latency, now-d.schedule.due())
		}
	}
}

// counts reports whether the latency of a request that was due at a moment and is now answered belongs to the result.
func (d *driver) counts(due time.Duration) bool {
	if d.o.Pace == Open {
		return d.inWindow(due)
	}
	return d.phase == measuring
}

// inWindow is false for every moment while the window has not begun.
func (d *driver) inWindow(due time.Duration) bool { return due >= d.from && due < d.until }

// fill sends all that can be sent now.
func (d *driver) fill() error {
	if d.o.Pace == Once || d.phase == opening || (d.o.Pace == Closed && d.phase == draining) {
		return nil
	}
	for d.free.count > 0 {
		now := d.now()
		due := now
		if d.o.Pace == Open {
			due = d.schedule.due()
			if due > now || (d.phase == draining && due >= d.until) {
				return nil
			}
			d.schedule.take()
			if d.inWindow(due) {
				record(d.result.Late, now-due)
			}
		}
		if err := d.send(d.free.pop(), due); err != nil {
			return err
		}
	}
	return nil
}

// turn waits once, and goes on with each connection on which something has changed.
func (d *driver) turn(timeout time.Duration) error {
	ready, err := d.poller.Wait(timeout)
	if err != nil {
		return err
	}
	d.found = len(ready)
	for _, fd := range ready {
		c := d.conns[fd]
		if c == nil {
			if d.o.Others != nil {
				if err := d.o.Others(fd); err != nil {
					return err
				}
			}
			continue
		}
		if err := d.proceed(c); err != nil {
			return err
		}
		// A connection that is free again is used at once: a proxy is not to wait for the rest of the batch.
		if err := d.fill(); err != nil {
			return err
		}
	}
	return nil
}

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}
