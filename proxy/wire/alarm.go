package wire

import "time"

// alarm is a deadline on one direction of a connection that is moved only when it matters: setting a timer costs more
// than a microsecond of a push that takes fifteen. It never fires early, and late by at most an eighth.
type alarm struct {
	at time.Time // when the connection's deadline is; zero: none
}

// due tells when the deadline must be so that it fires within d, and whether it has to be set for that.
func (a *alarm) due(now time.Time, d time.Duration) (at time.Time, set bool) {
	if d <= 0 {
		set = !a.at.IsZero()
		a.at = time.Time{}
		return a.at, set
	}
	if left := a.at.Sub(now); !a.at.IsZero() && left >= d && left <= d+d/8 {
		return a.at, false
	}
	a.at = now.Add(d + d/8)
	return a.at, true
}
