package proxy

import (
	"time"

	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/proxy/wire"
)

// account counts how an attempt ended with its host.
func (x *exchange) account(o outcome) {
	h := x.host
	if x.attempts > 1 {
		h.Repeated()
	}
	switch o {
	case answered:
		if x.status >= 500 {
			h.Erred(balancer.Status5xx)
		}
		h.Answered(x.answeredAt.Sub(x.attempted))
	case notSent:
		h.Erred(balancer.ConnectError)
	case keptClosed, closedEarly:
		h.Erred(balancer.Closed)
	case slow:
		h.Erred(balancer.TimedOut)
	case unavailable:
		h.Erred(balancer.Status5xx)
	case wrong:
		h.Erred(balancer.WrongMachine)
	case unreadable:
		h.Erred(balancer.BadAnswer)
	}
}

// readClock compares the host's clock with ours.
func (l *leg) readClock() {
	for i := range l.answer.Head.Fields {
		if f := &l.answer.Head.Fields[i]; wire.EqualFold(f.Name, "date") {
			l.x.host.Clock(f.Value, time.Now())
			return
		}
	}
}
