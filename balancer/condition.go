package balancer

import "time"

// Condition is how a host is, for people.
type Condition struct {
	PassedOver bool
	Cause      string    // why it is passed over, or why it would be if enough others were left; empty: it is well
	Since      time.Time // since when it is not well; zero: it is
}

// Available reports whether the host takes requests: it is not passed over.
func (c Condition) Available() bool { return !c.PassedOver }

// Healthy reports whether the host is well: neither its requests nor its probes fail. One that is ill is available all
// the same when too few others are left.
func (c Condition) Healthy() bool { return !c.PassedOver && c.Cause == "" }

// rank is how good the condition is, the worst first.
func (c Condition) rank() int {
	switch {
	case c.PassedOver:
		return 0
	case c.Cause != "":
		return 1
	}
	return 2
}

// Condition tells how the host is.
func (h *Host) Condition() Condition {
	h.judged.Lock()
	defer h.judged.Unlock()
	c := Condition{PassedOver: !h.Available(), Since: h.notWell}
	switch {
	case h.out.Load()&failing != 0:
		c.Cause = failingCause
	case h.out.Load() == onTrial && !h.unwell:
		c.Cause = trialCause
	case h.out.Load()&ill != 0 || h.unwell:
		c.Cause = illCause
	}
	return c
}

// Why a host is passed over, in the words of the log and the status page.
const (
	failingCause = "its requests fail"
	trialCause   = "its requests failed, one at a time tries it"
	illCause     = "its health probes fail"
)
