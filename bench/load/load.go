package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/headgate/headgate/bench/socket"
)

// Pace says when requests are sent; see the package.
type Pace string

// The paces.
const (
	Closed Pace = "closed"
	Open   Pace = "open"
	Once   Pace = "once"
)

// Options say what to send, where and how.
type Options struct {
	Addr        netip.AddrPort
	TLS         *tls.Config // nil: plain
	Request     []byte      // one whole request, head and body
	Further     [][]byte    // more requests: all are sent in turn
	Connections int
	Pace        Pace
	Rate        float64       // requests a second, Open only
	Warmup      time.Duration // sent as the rest, not counted
	Duration    time.Duration // of the window that counts; Once: how long the connections stay idle
	Grace       time.Duration // how long to wait for answers after the window
	Started     func() error  // called when the window begins, on the goroutine of Run; nil: nothing
	Ended       func() error  // called when it ends

	// A poller that watches other sockets too, and what handles those. Then one thread does the work of both, with no change
	// of threads between a request and its answer. nil: a poller of its own.
	Poller *socket.Poller
	Others func(fd int) error
}

func (o Options) validate() error {
	switch {
	case !o.Addr.Addr().Is4():
		return fmt.Errorf("address %s: want IPv4", o.Addr)
	case len(o.Request) == 0:
		return errors.New("no request to send")
	case o.Connections <= 0:
		return fmt.Errorf("%d connections: want 1 or more", o.Connections)
	case o.Duration <= 0:
		return fmt.Errorf("duration %s: want more than 0", o.Duration)
	case o.Pace == Open && o.Rate <= 0:
		return fmt.Errorf("rate %g: want more than 0", o.Rate)
	case o.Pace != Open && o.Pace != Closed && o.Pace != Once:
		return fmt.Errorf("pace %q: want closed, open or once", o.Pace)
	}
	return nil
}

// Result is what a run saw.
type Result struct {
	Window     time.Duration           // its real length
	Requests   int64                   // answered in the window, with any status
	Latency    *hdrhistogram.Histogram // nanoseconds. Closed: of the answers in the window; Open: of the requests due in it
	Late       *hdrhistogram.Histogram // Open: nanoseconds between due and sent, a sign of a full load or a full proxy
	Unfinished int64                   // due in the window and not answered when Grace was over; in Latency with their age then
	Total      int64                   // answered in the whole run
	Refused    int64                   // answers in the window with a status of 300 or more
	Failures   int64                   // connections that broke while a request was under way, in the whole run
	Reconnects int64                   // connections that the other side closed in good order
	Idle       time.Duration           // of the window, with nothing to do and without sleeping
	Trouble    string                  // the first refusal or failure, in words
}

// maxFailures is how many broken connections end a run: what it measured then means nothing.
const maxFailures = 1000

// longest is the longest latency that is told apart from longer ones.
const longest = 100 * time.Second

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(longest), 3)
}

// record adds a latency; more than longest counts as longest.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	// The error is about values out of range, which these are not.
	_ = h.RecordValue(min(max(int64(d), 1), int64(longest)))
}

// Run sends as the options say and returns what it saw. It uses one thread, to which it binds the calling goroutine, and does
// not sleep while requests are under way or due soon: a thread that is woken is late by tens of microseconds, and who wakes it
// pays for that.
func Run(o Options) (*Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	d, err := newDriver(o)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if err := d.run(); err != nil {
		return nil, err
	}
	return d.result, nil
}
