package proxy

import (
	"errors"
	"time"

	"github.com/headgate/headgate/balancer"
)

// A host is blamed for what it did, and after max_fails of that it is passed over: for a limit of its own that passed, for
// the end of a connection, for its status. What is left of the route's timeout when a client was slow, or a host before
// it, is nobody's fault who comes after.
var (
	errSlow    = errors.New("the host took longer than it may")
	errPressed = errors.New("the route's timeout has passed, and others took most of it")
)

// blamed reports whether an attempt that ended like this counts against its host. A kept connection ends when the host
// finds that it has been idle for too long.
func (o outcome) blamed() bool {
	switch o {
	case answered, ours, full, keptClosed:
		return false
	}
	return true
}

// tell tells a host what came of an attempt.
func (o outcome) tell(h *balancer.Host) {
	switch {
	case o == answered:
		h.Succeeded()
	case o.blamed():
		h.Failed()
	default:
		h.Undecided()
	}
}

// hostTime is how long a host that has been waited for since start may still take, which has a limit of its own (0: none):
// 0 is as long as it likes. The error says that its time is over, and whether it is to blame for that.
func (x *exchange) hostTime(now, start time.Time, limit time.Duration) (time.Duration, error) {
	own := after(now, start, limit)
	left := x.remaining(now, own)
	switch {
	case left >= 0:
		return left, nil
	case own < 0 || x.hadItsTime(now.Sub(start)):
		return 0, errSlow
	default:
		return 0, errPressed
	}
}

// hadItsTime reports whether a host has had so much of the route's timeout that the rest should not have mattered.
func (x *exchange) hadItsTime(took time.Duration) bool { return 2*took >= x.route.Timeout }

// after is what is left of a limit that began at start: 0 without one, less than 0 when it has passed.
func after(now, start time.Time, limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	if limit -= now.Sub(start); limit <= 0 {
		return -1
	}
	return limit
}

// pastDeadline reports whether the route's timeout has passed.
func (x *exchange) pastDeadline(now time.Time) bool {
	return !x.deadline.IsZero() && !now.Before(x.deadline)
}

// late is the failure of an attempt whose time is over, by the error that says so.
func (x *exchange) late(err error) (outcome, *failure) {
	o, f := slow, refuse(upstreamSlow)
	if x.pastDeadline(time.Now()) {
		f = refuse(deadlinePassed)
	}
	if err == errPressed {
		o = ours
	}
	return o, f
}

// isLate reports whether an error is one of those that late is for.
func isLate(err error) bool { return errors.Is(err, errSlow) || errors.Is(err, errPressed) }

// notConnected is the failure of an attempt that found no connection.
func (x *exchange) notConnected(err error) (outcome, *failure) {
	x.proxy.seen.connectFailed(x, err)
	now := time.Now()
	switch {
	case exhausted(err):
		return ours, refuseFor(noConnection, "headgate is out of file descriptors or ports")
	case !x.pastDeadline(now):
		return notSent, refuse(connectFailed)
	case x.hadItsTime(now.Sub(x.attempted)):
		return notSent, refuse(deadlinePassed)
	default:
		return ours, refuse(deadlinePassed)
	}
}
