package load

import "time"

// schedule is the moments at which the requests of an open loop are due: evenly spaced from the start of the run, each
// computed from its number, so that no error adds up.
type schedule struct {
	interval float64 // nanoseconds
	next     int64   // number of the next request
}

func newSchedule(rate float64) schedule {
	return schedule{interval: float64(time.Second) / rate}
}

// due returns when the next request is due, since the start of the run.
func (s *schedule) due() time.Duration {
	return time.Duration(float64(s.next) * s.interval)
}

// take moves on to the request after.
func (s *schedule) take() { s.next++ }
