package balancer

import (
	"sync"
	"sync/atomic"
	"time"
)

// The reasons why a host is passed over, as bits.
const (
	failing uint32 = 1 << iota // MaxFails requests failed in a row
	ill                        // the probes of Options.Health say so
	onTrial                    // a probe reached it when it was failing: one request at a time, until one succeeds
)

// standing is how a host does. It goes with the host from pool to pool.
type standing struct {
	fails  atomic.Int32  // requests that failed, in a row
	out    atomic.Uint32 // why the host is passed over; 0: it is not
	trying atomic.Bool   // it is on trial, and a request tries it

	judged       sync.Mutex // guards what follows, and changes of out
	failingSince time.Time
	probing      bool // a probe is under way
	nextProbe    time.Time
	good, bad    int       // answers to probes in a row
	unwell       bool      // the verdict of the probes; whether that takes the host out, Pool.settle says
	notWell      time.Time // since when the host is out or unwell; zero: it is neither
	unhealthy    time.Time // since when that is so and it is not on trial; zero: it is not
}

// Available reports whether the host is not passed over. Pick gives a host that is passed over only when it knows no
// other, or for its trial.
func (h *Host) Available() bool { return h.out.Load() == 0 }

// takeTrial reports whether the host is on trial and nobody tries it; from now on the caller does.
func (h *Host) takeTrial() bool {
	return h.out.Load() == onTrial && h.trying.CompareAndSwap(false, true)
}

// Succeeded says that the host gave an answer that does not count against it: it is all right, whatever was before.
func (h *Host) Succeeded() {
	if h.fails.Load() != 0 {
		h.fails.Store(0)
	}
	if h.out.Load()&(failing|onTrial) != 0 {
		h.judged.Lock()
		h.putBack(failing | onTrial)
		h.judged.Unlock()
	}
}

// Failed says that an attempt failed in a way that counts against the host. After MaxFails of them in a row the host is
// passed over until a probe, at the earliest after FailTimeout, reaches it; then one request at a time tries it, until one
// has succeeded or failed.
func (h *Host) Failed() {
	keeper := h.keeper.Load()
	limit := keeper.o.MaxFails
	if limit == 0 || int(h.fails.Add(1)) < limit || h.out.Load()&failing != 0 {
		return
	}
	h.judged.Lock()
	if h.out.Load()&failing == 0 {
		h.failingSince = time.Now()
		h.takeOut(failing)
		h.out.And(^onTrial)
	}
	h.judged.Unlock()
	keeper.wakeUp()
}

// Undecided says that an attempt ended without a word about the host: if it was on trial, the next request tries it.
func (h *Host) Undecided() {
	if h.trying.Load() {
		h.trying.Store(false)
	}
}

// tryOn lets requests try a host that was failing, one at a time. The lock judged is held.
func (h *Host) tryOn() {
	defer h.noteHealth()
	h.trying.Store(false)
	h.out.Or(onTrial)
	h.out.And(^failing)
}

// takeOut passes the host over for a reason. The lock judged is held.
func (h *Host) takeOut(reason uint32) {
	defer h.noteHealth()
	if h.out.Or(reason) == 0 && !h.gone.Load() {
		h.series.passedOver.Add(1)
		cause := failingCause
		if reason == ill {
			cause = illCause
		}
		h.keeper.Load().o.Log.Warn("host is passed over", "host", h.addr, "cause", cause)
	}
}

// putBack takes reasons back. The lock judged is held.
func (h *Host) putBack(reasons uint32) {
	defer h.noteHealth()
	if old := h.out.And(^reasons); old != 0 && old&^reasons == 0 && !h.gone.Load() {
		h.keeper.Load().o.Log.Info("host is back", "host", h.addr)
	}
}

// due returns when the host wants to be probed by a pool with options o, and false when it does not.
func (h *Host) due(o *Options) (time.Time, bool) {
	h.judged.Lock()
	defer h.judged.Unlock()
	switch {
	case h.probing:
		return time.Time{}, false
	case o.Health.Path != "":
		return h.nextProbe, true
	case h.out.Load()&failing != 0:
		at := h.failingSince.Add(o.FailTimeout)
		if h.nextProbe.After(at) {
			at = h.nextProbe
		}
		return at, true
	default:
		return time.Time{}, false
	}
}

// judge draws the conclusions from a probe that ended now with err.
func (h *Host) judge(err error, o *Options, now time.Time) {
	h.series.probes.Add(1)
	if err != nil {
		h.series.probeFailures.Add(1)
	}
	h.judged.Lock()
	defer h.judged.Unlock()
	if o.Health.Path != "" {
		h.nextProbe = now.Add(jitter(o.Health.Interval))
		h.count(err == nil, o.Health)
	} else {
		h.nextProbe = now.Add(o.FailTimeout)
	}
	if err == nil && h.out.Load()&failing != 0 && now.Sub(h.failingSince) >= o.FailTimeout {
		// A probe proves less than a request: it is not sent any more than one before one has succeeded, and with one more
		// failure it is passed over again.
		h.fails.Store(int32(max(o.MaxFails-1, 0)))
		h.tryOn()
	}
}

// count counts the answer to a probe of Options.Health. The lock judged is held.
func (h *Host) count(good bool, o Health) {
	defer h.noteHealth()
	if good {
		h.good, h.bad = h.good+1, 0
		h.unwell = h.unwell && h.good < o.Rise
	} else {
		h.good, h.bad = 0, h.bad+1
		h.unwell = h.unwell || h.bad >= o.Fall
	}
}

// settle brings what the probes found to bear on all hosts: those that are unwell are passed over, but only as many as
// leave half of the hosts. Those that failed requests count first, then those that are out already.
func (p *Pool) settle() {
	hosts := p.Hosts()
	room := len(hosts) / 2
	for _, h := range hosts {
		if h.out.Load()&(failing|onTrial) != 0 {
			room--
		}
	}
	for _, before := range []uint32{ill, 0} {
		for _, h := range hosts {
			h.judged.Lock()
			out := h.out.Load()
			switch {
			case out&ill != before:
			case !h.unwell:
				h.putBack(ill)
			case out&(failing|onTrial) != 0: // is passed over anyway, and has been counted
			case room > 0:
				room--
				h.takeOut(ill)
			default:
				h.putBack(ill)
			}
			h.judged.Unlock()
		}
	}
}

// forget takes back what no pool with options o looks after.
func (h *Host) forget(o *Options) {
	h.judged.Lock()
	defer h.judged.Unlock()
	if o.MaxFails == 0 {
		h.fails.Store(0)
		h.putBack(failing | onTrial)
	}
	if o.Health.Path == "" {
		h.good, h.bad, h.unwell, h.nextProbe = 0, 0, false, time.Time{}
		h.putBack(ill)
	}
}
