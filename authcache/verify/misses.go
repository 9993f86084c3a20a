package verify

import "crypto/sha256"

// misses are the keys that were asked for and not there: who asks for one that the set was read without since is wrong, who
// asks for a new one may be early.
type misses map[[sha256.Size]byte]uint64

// maxMisses bounds what is remembered. Whoever asks for more of them has only made up new ones.
const maxMisses = 4096

// first is how many fetches had begun when this key was first asked for.
func (m *misses) first(key string, begun uint64) uint64 {
	sum := sha256.Sum256([]byte(key))
	if first, found := (*m)[sum]; found {
		return first
	}
	if *m == nil || len(*m) >= maxMisses {
		*m = make(misses)
	}
	(*m)[sum] = begun
	return begun
}
