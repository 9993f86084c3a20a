package proxy

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/proxy/wire"
)

// outcome is how an attempt at a host ended, in the words of the table that says what may be tried again
// (DESIGN.md §5).
type outcome uint8

const (
	answered    outcome = iota // the client has the host's answer, or as much of it as there was
	ours                       // the client's doing or our own limit; the host had no part in it
	full                       // all connections of the host were in use: nothing was sent, and nobody is to blame
	notSent                    // no connection to the host: nothing was sent
	keptClosed                 // a kept connection ended before a byte of the answer
	closedEarly                // so did a fresh one
	slow                       // a timeout of the host
	unavailable                // 502, 503, 504
	wrong                      // a status that Cortex's push never gives
	unreadable                 // an answer that is not one, or was cut before it could be passed on
)

// mayRepeat reports whether a request of a scope may be sent again after an attempt that ended like this. A push may
// come twice: the same sample at the same time is one sample. A query may have been what felled the host.
func (o outcome) mayRepeat(scope authcache.Scope) bool {
	switch {
	case o == notSent:
		return true
	case scope&authcache.Write != 0:
		return o != answered && o != ours
	case scope&authcache.Read != 0:
		return o == keptClosed
	default:
		return false
	}
}

// forward sends the request to one host of its route after the other until one has answered.
func (x *exchange) forward() *failure {
	x.retries().request(x.conn.Began())
	if x.isPush() && !x.mayFindRightMachine() {
		return refuseFor(wrongMachine, "every host said so within the last minute")
	}
	if f := x.takeConnection(); f != nil {
		return f
	}
	for {
		x.host = x.route.Pool.Pick(x.tried)
		if x.host == nil {
			return refuse(noHost)
		}
		outcome, f := x.attemptTraced(x.host)
		outcome.tell(x.host)
		if outcome == full {
			if slices.Contains(x.tried, x.host) {
				return f // so are the others
			}
			x.tried = append(x.tried, x.host)
			continue
		}
		x.account(outcome)
		switch outcome {
		case answered:
			if x.isPush() {
				x.foundRightMachine()
			}
			return f
		case ours:
			return f
		}
		if f == nil || !x.again(outcome) {
			return f
		}
		x.tried = append(x.tried, x.host)
	}
}

// isPush reports whether the request writes data.
func (x *exchange) isPush() bool { return x.route.Scope&authcache.Write != 0 }

// retries is the budget that the request's further attempts are paid from.
func (x *exchange) retries() *retryBudget {
	if x.isPush() {
		return &x.proxy.pushRetries
	}
	return &x.proxy.otherRetries
}

// again reports whether the request may go to a further host after such an attempt.
func (x *exchange) again(o outcome) bool {
	if x.granted {
		x.granted = false
		return true
	}
	now := time.Now()
	return o.mayRepeat(x.route.Scope) && x.attempts <= x.route.Retries && !x.answered && !x.out.begun &&
		(x.out.kept || o == notSent) && !x.pastDeadline(now) && !x.proxy.ending.Load() && x.retries().spend(now)
}

// attempt sends the request to a host. A kept connection that turns out to be closed is replaced by a fresh one to the
// same host; that costs no attempt. What must not be done twice ends there: the host may have read it.
func (x *exchange) attempt(host *balancer.Host) (outcome, *failure) {
	host.Begin()
	defer host.End()
	conn, err := x.connect(host, (*balancer.Host).Acquire)
	if errors.Is(err, balancer.ErrNoConnection) {
		return full, refuse(noConnection)
	}
	x.attempts++
	for {
		switch {
		case errors.Is(err, balancer.ErrNoConnection):
			return full, refuse(noConnection)
		case isLate(err):
			return x.late(err)
		case err != nil:
			return x.notConnected(err)
		}
		l := leg{x: x, conn: conn, net: conn.NetConn(), began: x.attempted}
		if conn.Fresh() || x.queued > 0 {
			l.began = time.Now()
		}
		outcome, f := l.run()
		if outcome != keptClosed || !outcome.mayRepeat(x.route.Scope) || x.out.begun || x.answered {
			return outcome, f
		}
		conn, err = x.connect(host, (*balancer.Host).AcquireFresh)
	}
}

// exhausted reports whether it is this machine that cannot open another connection, which says nothing about the host.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// connect borrows a connection of the host, in one of the ways that there are.
func (x *exchange) connect(
	host *balancer.Host, acquire func(_ *balancer.Host, now time.Time, wait, queue time.Duration) (*balancer.Conn, error),
) (*balancer.Conn, error) {
	now := time.Now()
	x.attempted = now
	wait, err := x.hostTime(now, now, x.route.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	if host.Crowded() {
		defer x.queuedSince(now)
	}
	return acquire(host, now, wait, x.patience(now))
}

// leg is one attempt on one connection.
type leg struct {
	x      *exchange
	conn   *balancer.Conn
	net    net.Conn
	answer *wire.Answer
	began  time.Time
	wrote  bool     // the whole request has been written
	gaveUp *failure // why it was given up while it was sent

	came    bool  // the head of the answer was read, or could not be, while the request was being sent
	cameErr error // what ReadHead said of it
}

// slice is how long the exchange waits on an upstream connection before it looks up: whether a limit has passed, an
// early answer has come, the client has gone.
const slice = 250 * time.Millisecond

// maxAnswerHead is the most bytes an upstream's head may have; the fault of a larger one says so.
const maxAnswerHead = 32 << 10

// run sends the request and passes the answer on. The connection is given back or closed in any case.
func (l *leg) run() (_ outcome, f *failure) {
	l.answer = takeAnswer(l.net)
	defer func() {
		if l.reusable() {
			l.conn.Release()
		} else {
			l.conn.Discard()
		}
		releaseAnswer(l.answer)
	}()
	if o, f := l.send(); f != nil {
		return o, f
	}
	if o, f := l.await(); f != nil {
		return o, f
	}
	if l.x.host.ClockWanted() {
		l.readClock()
	}
	judged, f := l.judge()
	if f != nil {
		return judged, f
	}
	o, f := l.deliver()
	if o == answered {
		o = judged
	}
	return o, f
}

// reusable reports whether the connection is at the start of a next exchange, and nothing else.
func (l *leg) reusable() bool {
	a := l.answer
	return l.wrote && a.Head.Status >= 200 && a.Body.Whole() && !a.Head.Close && !a.Surplus()
}

// await waits for the head of the answer.
func (l *leg) await() (outcome, *failure) {
	x := l.x
	if l.came && l.cameErr != nil {
		return l.lost(l.cameErr)
	}
	if l.came {
		return answered, nil
	}
	x.proxy.turns.before(x.attempted)
	start := time.Now()
	for now := start; ; now = time.Now() {
		switch err := l.wait(now, start, x.route.ReadTimeout); {
		case isLate(err):
			return x.late(err)
		case err != nil:
			return l.lost(err)
		}
		err := l.answer.ReadHead(maxAnswerHead, x.isHead())
		switch {
		case err == nil:
			return answered, nil
		case !wire.IsTimeout(err):
			return l.lost(err)
		}
		if f := x.abandoned(); f != nil {
			return ours, f
		}
	}
}

// wait lets the connection's next read and write wait for a slice, or for what the host may still take if that is less.
// An error that isLate says that nothing is left.
func (l *leg) wait(now, start time.Time, limit time.Duration) error {
	left, err := l.x.hostTime(now, start, limit)
	if err != nil {
		return err
	}
	if left == 0 || left > slice {
		left = slice
	}
	return l.conn.Within(now, left)
}

// lost is the failure of a connection that ended, or on which came something else than an answer.
func (l *leg) lost(err error) (outcome, *failure) {
	var fault *wire.Fault
	switch {
	case errors.As(err, &fault):
		return unreadable, refuseFor(badAnswer, fault.Detail)
	case l.answer.Begun():
		return unreadable, refuse(upstreamCut)
	case !l.conn.Fresh():
		return keptClosed, refuse(upstreamCut)
	default:
		return closedEarly, refuse(upstreamCut)
	}
}

// abandoned is why nobody waits for the answer any more; nil: somebody may. A push goes on without its client, which may
// have half closed its connection.
func (x *exchange) abandoned() *failure {
	switch {
	case x.proxy.ending.Load(), x.route.isRead() && x.conn.Gone():
		return x.cutShort()
	}
	return nil
}

// cutShort is the failure of a request whose client is not there any more, if need be because we ended its connection.
func (x *exchange) cutShort() *failure {
	if x.proxy.ending.Load() {
		return hangUp(draining)
	}
	return hangUp(clientCut)
}

// judge decides by the status whether the answer is the client's, which is no failure, or another host is to be tried.
func (l *leg) judge() (outcome, *failure) {
	x, status := l.x, l.answer.Head.Status
	switch {
	case status == 101:
		return unreadable, refuseFor(badAnswer, "it switches protocols")
	case !x.isPush():
		return answered, nil
	case status == 502 || status == 503 || status == 504:
		if x.granted = x.again(unavailable); x.granted {
			return unavailable, refuseFor(unavailableHosts, "the last one answered "+statusLine(status))
		}
		return unavailable, nil
	case wrongForPush(status):
		x.foundWrongMachine(status)
		return wrong, refuseFor(wrongMachine, "it answered "+statusLine(status))
	}
	return answered, nil
}

// write sends p whole, or says why not. io.ErrShortWrite means that the answer has come before. start is the time, or a
// moment ago: the clock is not read more often than something may have waited.
func (l *leg) write(start time.Time, p []byte) error {
	return l.put(start, func() (n int, err error) {
		n, err = l.net.Write(p)
		p = p[n:]
		return n, err
	})
}

// put is write in one of the ways that there are: put itself goes on where it was.
func (l *leg) put(start time.Time, more func() (int, error)) error {
	x := l.x
	for now := start; ; now = time.Now() {
		if err := l.wait(now, start, x.route.WriteTimeout); err != nil {
			return err
		}
		n, err := more()
		if err == nil {
			return nil
		}
		if n > 0 {
			start = now
		}
		if !wire.IsTimeout(err) {
			return err
		}
		if l.early() {
			return io.ErrShortWrite
		}
		if l.gaveUp = x.abandoned(); l.gaveUp != nil {
			return errAbandoned
		}
	}
}

// statusLine is a status in words: "404 Not Found".
func statusLine(status int) string {
	return strconv.Itoa(status) + " " + fasthttp.StatusMessage(status)
}

// glance is how long the head of an answer may take to be read once something has arrived, so that the request goes on
// when it is only an interim answer, or the beginning of a head.
const glance = time.Millisecond

// early reports whether the upstream has answered, or ended the connection, before it has the whole request.
func (l *leg) early() bool {
	if !l.came && l.conn.Arrived() && l.conn.Within(time.Now(), glance) == nil {
		l.cameErr = l.answer.ReadHead(maxAnswerHead, l.x.isHead())
		l.came = !wire.IsTimeout(l.cameErr)
	}
	return l.came
}

var errAbandoned = errors.New("nobody waits for the answer any more")
