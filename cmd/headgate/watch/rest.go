package watch

import "time"

// Bounds of the wait for a file to come to rest.
const (
	// Quiet is how long a file has to be left alone before what it holds, or that it is gone, is believed.
	Quiet = 200 * time.Millisecond
	// Patience ends the wait for a file that is written to without an end.
	Patience = 2 * time.Second
)

// Rest waits for a file to come to rest once it looks different. The zero value has not begun to wait.
type Rest struct {
	since time.Time // it looks different
	away  time.Time // it is missing; zero: it is there
	look  Print     // what it looked like last
	still time.Time // it looks like that
}

// Wait reports whether a file that looks different now may be on its way to something else, so that it should be looked
// at once more in a moment: it was written less than Quiet ago, or it has not been away for that long. Editors and git
// take a file away before they write it anew. The clock of a file server may be ahead of ours: what was written in the future
// has to look the same for as long.
func (r *Rest) Wait(look Print, now time.Time) bool {
	if r.since.IsZero() {
		r.since = now
	}
	if look.Missing() {
		if r.away.IsZero() {
			r.away = now
		}
		return now.Sub(r.away) < Quiet
	}
	r.away = time.Time{}
	if r.still.IsZero() || look != r.look {
		r.look, r.still = look, now
	}
	age := now.Sub(look.Modified())
	if age < 0 {
		age = now.Sub(r.still)
	}
	return age < Quiet && !r.Exhausted(now)
}

// Exhausted reports whether the wait has taken all the patience there is.
func (r *Rest) Exhausted(now time.Time) bool {
	return !r.since.IsZero() && now.Sub(r.since) >= Patience
}

// End ends the wait: the file was read, or is as it was.
func (r *Rest) End() { *r = Rest{} }
