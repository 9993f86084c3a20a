package balancer

import (
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// ErrorKind is how an attempt at a host failed.
type ErrorKind uint8

// The kinds, in the words of the metrics (String).
const (
	ConnectError ErrorKind = iota // no connection came about: nothing was sent
	Closed                        // the connection ended before an answer
	TimedOut                      // the host did not take the request, or answer, in time
	Status5xx                     // an answer of 500 or more
	WrongMachine                  // an answer that the component of Cortex never gives
	BadAnswer                     // an answer that cannot be read, or was cut
	errorKinds
)

// String is the kind in one word.
func (k ErrorKind) String() string {
	return [...]string{"connect", "closed", "timeout", "status_5xx", "wrong_machine", "bad_answer"}[k]
}

// Answered notes that an attempt led to an answer, and how long it took until the answer could be passed on.
func (h *Host) Answered(took time.Duration) { h.series.latency.Observe(took) }

// Erred notes that an attempt failed. It says nothing of the host's health: see Failed.
func (h *Host) Erred(kind ErrorKind) { h.series.errors[kind].Add(1) }

// Repeated notes that a request comes to the host which another attempt has failed with.
func (h *Host) Repeated() { h.series.repeats.Add(1) }

// clock is what is known of a host's clock. An answer is compared with ours after each reading of the metrics, which is
// often enough, and costs the others nothing.
type clock struct {
	wanted atomic.Bool  // the next answer is to be compared
	ahead  atomic.Int64 // nanoseconds; less than 0: behind
}

// ClockWanted reports whether the Date of the next answer is to be given to Clock.
func (h *Host) ClockWanted() bool { return h.series.clock.wanted.Load() }

// dateError is how far a Date is behind the moment it was made, on average: it has whole seconds.
const dateError = 500 * time.Millisecond

// Clock notes the Date (RFC 9110 §6.6.1) of an answer that came at now. One that cannot be read is passed over.
func (h *Host) Clock(date []byte, now time.Time) {
	at, err := fasthttp.ParseHTTPDate(date)
	if err != nil {
		return
	}
	h.series.clock.ahead.Store(int64(at.Add(dateError).Sub(now)))
	h.series.clock.wanted.Store(false)
}

// Traffic is what a host has had since it was first seen, under whatever configuration.
type Traffic struct {
	Requests   uint64 // attempts
	Errors     uint64 // of them
	Repeats    uint64 // that another host, or the same, had failed before
	PassedOver uint64 // times that it began to be passed over
	Answers    uint64
	AnswerTime time.Duration // of all answers together
	ClockAhead time.Duration // of ours, as of one of the last answers; give or take half a second
}

// traffic is a reading of the moment of hosts with these series.
func (s *hostSeries) traffic(hosts []*Host) Traffic {
	t := Traffic{
		Requests:   s.requests(hosts),
		Repeats:    s.repeats.Load(),
		PassedOver: s.passedOver.Load(),
		ClockAhead: time.Duration(s.clock.ahead.Load()),
	}
	for i := range s.errors {
		t.Errors += s.errors[i].Load()
	}
	answers := s.answers()
	t.Answers, t.AnswerTime = answers.Count(), answers.Sum()
	return t
}
