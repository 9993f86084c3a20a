package authcache

import (
	"container/list"
	"time"
)

// check is what there is to find out of one secret.
type check struct {
	key        digest    // what it is told from others by: digest, or another one where not all may have the same answer
	digest     digest    // of the credential, which a match proves
	generation uint64    // of the credentials when it began
	name       *slowName // nil when the user name has no slow credential that the client may use
	records    []*record // those of the name that it may use
}

// flight is a check that has to be made against slow hashes or keys, and everybody who waits for the answer.
type flight struct {
	check         // immutable
	secret []byte // its own copy; read by the worker that runs it, wiped afterwards

	done    chan struct{}   // closed once outcome is set
	outcome outcome         // written before done is closed, as is all that belongs to it
	record  *record         // with accepted
	verdict Verdict         // with rejected: Rejected, or what is wrong with a secret that is known
	begins  time.Time       // with rejected: when a secret that is known may first be used; zero: that is not to come, or unknown
	again   <-chan struct{} // with rejected: when it is closed, the answer may be another; nil: it will not be

	// Guarded by queue.mu.
	common  *list.Element // its place in the common lane, nil when it has none
	reserve *list.Element // its place in the reserve lane
	lane    lane          // the lane it runs in now; also read by the worker that runs it
	settled bool          // done is closed
	timer   *time.Timer   // ends the wait
}

// outcome is what the waiting requests are told.
type outcome uint8

const (
	busy outcome = iota // it could not be checked in time
	accepted
	rejected
)

// lane is whose budget a check is paid from, should it fail.
type lane uint8

const (
	idle lane = iota // not running
	inCommon
	inReserve
)

// settle tells everybody who waits. What they are told first stands.
func (f *flight) settle(o outcome, r *record) {
	if f.settled {
		return
	}
	f.settled = true
	f.outcome, f.record = o, r
	close(f.done)
}

// wipe forgets the secret once no worker will need it any more.
func (f *flight) wipe() {
	if f.lane == idle && f.common == nil && f.reserve == nil {
		clear(f.secret)
		f.timer.Stop()
	}
}

// doubt notes that a secret for the name was wrong.
func (f *flight) doubt(now time.Time) {
	if f.name != nil {
		f.name.doubt(now)
	}
}

// trust notes that a secret for the name was right.
func (f *flight) trust() {
	if f.name != nil {
		f.name.trust()
	}
}
