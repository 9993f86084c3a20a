package contest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/procfs"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/socket"
	"github.com/headgate/headgate/bench/upstream"
)

// order is what the worker is told: one line of JSON on its standard input.
type order struct {
	Addr        netip.AddrPort
	CA          []byte // PEM; nil: plain HTTP
	Request     []byte
	Further     [][]byte // sent in turn with Request
	Connections int
	Pace        load.Pace
	Rate        float64
	Warmup      time.Duration
	Window      time.Duration
	Grace       time.Duration
	Subject     []int // processes whose usage in the window is wanted; none for direct
	SubjectCore int
	OwnCore     int
}

// outcome is the line that the worker answers with.
type outcome struct {
	Measurement report.Measurement
	Error       string // "": it worked
}

// RunWorker is the other process of a contest: load and stand-in upstream on one thread, so that what they cost together is
// little and no change between two threads is taken for the proxy's latency. It writes the upstream's address as its first
// line, then answers every order with an outcome, and serves the upstream all the while. It returns when in ends.
func RunWorker(in io.Reader, out io.Writer) error {
	poller, err := socket.NewPoller()
	if err != nil {
		return err
	}
	defer poller.Close()
	server, err := upstream.Listen(poller, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, server.Addr()); err != nil {
		return err
	}
	w := &worker{poller: poller, server: server}
	orders := make(chan order)
	ended := make(chan error, 1)
	go func() { ended <- readOrders(in, orders) }()
	for {
		select {
		case err := <-ended:
			return err
		case o := <-orders:
			if err := json.NewEncoder(out).Encode(w.carryOut(o)); err != nil {
				return err
			}
		default:
			if err := w.serve(); err != nil {
				return err
			}
		}
	}
}

func readOrders(in io.Reader, orders chan<- order) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	for {
		var o order
		switch err := lines.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read an order: %w", err)
		}
		orders <- o
	}
}

type worker struct {
	poller *socket.Poller
	server *upstream.Server
}

// serve lets the upstream answer what comes within a moment: the tries of whether a proxy does the work.
func (w *worker) serve() error {
	ready, err := w.poller.Wait(5 * time.Millisecond)
	if err != nil {
		return err
	}
	for _, fd := range ready {
		if err := w.server.Handle(fd); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) carryOut(o order) outcome {
	m, err := w.measure(o)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Measurement: m}
}

func (w *worker) measure(o order) (report.Measurement, error) {
	var from, to usages
	options := load.Options{
		Addr: o.Addr, Request: o.Request, Further: o.Further, Connections: o.Connections, Pace: o.Pace, Rate: o.Rate, Warmup: o.Warmup,
		Duration: o.Window, Grace: o.Grace, Poller: w.poller, Others: w.server.Handle,
		Started: func() (err error) {
			from, err = o.usages()
			return err
		},
		Ended: func() (err error) {
			to, err = o.usages()
			return err
		},
	}
	if o.CA != nil {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(o.CA) {
			return report.Measurement{}, errors.New("the order's certificate cannot be read")
		}
		options.TLS = &tls.Config{RootCAs: roots, ServerName: o.Addr.Addr().String()}
	}
	runtime.GC() // What the last round left is not collected in this one.
	result, err := load.Run(options)
	if err != nil {
		return report.Measurement{}, err
	}
	return measurement(o, result, from, to), nil
}

// usages are read at both edges of the window, on the thread of the load, so that they belong to the same moments as the
// number of requests.
type usages struct {
	at           time.Time
	subject, own procfs.Usage
	subjectCore  time.Duration // busy for whatever process
	ownCore      time.Duration
}

func (o order) usages() (u usages, err error) {
	if u.subjectCore, err = procfs.CoreBusy(o.SubjectCore); err != nil {
		return u, err
	}
	if u.ownCore, err = procfs.CoreBusy(o.OwnCore); err != nil {
		return u, err
	}
	if u.subject, err = procfs.Read(o.Subject); err != nil {
		return u, err
	}
	u.own, err = procfs.Read([]int{os.Getpid()})
	u.at = time.Now()
	return u, err
}

// measurement brings together what the load counted and what the processes used.
func measurement(o order, r *load.Result, from, to usages) report.Measurement {
	window := to.at.Sub(from.at)
	share := func(d time.Duration) float64 { return float64(d) / float64(window) }
	micros := func(nanos int64) float64 { return float64(nanos) / float64(time.Microsecond) }
	subject, own := to.subject.CPU-from.subject.CPU, to.own.CPU-from.own.CPU
	working := max(0, own-r.Idle)
	m := report.Measurement{
		Window: window.Seconds(), Requests: r.Requests, Total: r.Total, Throughput: float64(r.Requests) / window.Seconds(),
		Busy: share(subject), OtherBusy: share(working),
		Noise: max(0, share(to.ownCore-from.ownCore-own)),
		P50:   micros(r.Latency.ValueAtQuantile(50)), P95: micros(r.Latency.ValueAtQuantile(95)), P99: micros(r.Latency.ValueAtQuantile(99)),
		P999: micros(r.Latency.ValueAtQuantile(99.9)), Max: micros(r.Latency.Max()),
		RSS: to.subject.RSS, Unfinished: r.Unfinished, Refused: r.Refused, Failures: r.Failures, Reconnects: r.Reconnects,
		Trouble: r.Trouble,
	}
	if len(o.Subject) > 0 {
		m.Noise = max(m.Noise, share(to.subjectCore-from.subjectCore-subject))
	}
	user, system := to.subject.User-from.subject.User, to.subject.System-from.subject.System
	if user+system > 0 {
		m.Kernel = float64(system) / float64(user+system)
	}
	if r.Requests > 0 {
		m.CPU = micros(int64(subject)) / float64(r.Requests)
		m.OtherCPU = micros(int64(working)) / float64(r.Requests)
	}
	if o.Pace == load.Open {
		m.Rate, m.Late = o.Rate, micros(r.Late.ValueAtQuantile(99))
	}
	return m
}
