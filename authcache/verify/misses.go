package verify

import (
	"crypto/sha256"
	"time"
)

// misses are the keys that were asked for and not there: who asks for one that the set was read without since is wrong, who
// asks for a new one may be early. That ends: a key that somebody asked for too early, or made up, may be there one day.
type misses map[[sha256.Size]byte]miss

// miss is when a key was first asked for.
type miss struct {
	begun uint64 // fetches by then
	at    time.Time
}

// maxMisses bounds what is remembered. Whoever asks for more of them has only made up new ones.
const maxMisses = 4096

// missLife is for how many intervals it is: in the first the set is read again, and then a refusal is final for a while.
const missLife = 2

// first is how many fetches had begun when this key was first asked for, not longer ago than life.
func (m *misses) first(key string, begun uint64, life time.Duration) uint64 {
	sum, now := sha256.Sum256([]byte(key)), time.Now()
	if held, found := (*m)[sum]; found && now.Sub(held.at) < life {
		return held.begun
	}
	if *m == nil || len(*m) >= maxMisses {
		*m = make(misses)
	}
	(*m)[sum] = miss{begun, now}
	return begun
}
