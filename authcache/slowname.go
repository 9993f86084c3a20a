package authcache

import (
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// slowName is a user name that has slow credentials. The list never changes: when a credential comes or goes, the name
// gets another slowName.
type slowName struct {
	records []*record   // immutable; several during a rotation
	work    verify.Work // immutable; of checking all of them

	doubted atomic.Int64 // Unix time, in seconds, until which the name is doubted, since a secret of it was wrong
	shadow  bool         // guarded by queue.mu: a flight of this name is in the reserve lane
}

// doubtSeconds is how long a name is doubted after a wrong secret.
const doubtSeconds = 600

// hopeful reports whether a secret for these records of the name may well be right: some of them was never seen, and none
// was wrong lately. Once all were seen (not longer ago than ttl, if that is not 0), whatever is not in the verified table
// is wrong.
func (n *slowName) hopeful(records []*record, now time.Time, ttl time.Duration) bool {
	if now.Unix() < n.doubted.Load() {
		return false
	}
	for _, r := range records {
		if p := r.hashed.proof.Load(); p == nil || ttl > 0 && now.Sub(p.at) >= ttl {
			return true
		}
	}
	return false
}

// usable are the records that a client at this address may use. The others are as good as unknown to it: else the time of
// an answer would tell a guessed password from a wrong one.
func (n *slowName) usable(from netip.Addr) []*record {
	may := func(r *record) bool { return r.identity.Load().Terms.allows(from) }
	if !slices.ContainsFunc(n.records, func(r *record) bool { return !may(r) }) {
		return n.records
	}
	var usable []*record
	for _, r := range n.records {
		if may(r) {
			usable = append(usable, r)
		}
	}
	return usable
}

func (n *slowName) doubt(now time.Time) { n.doubted.Store(now.Unix() + doubtSeconds) }

func (n *slowName) trust() { n.doubted.Store(0) }

// slowNames finds user names that have slow credentials. Readers take no lock and allocate nothing; each part is an
// immutable map, replaced as a whole. Only one goroutine may write at a time.
type slowNames struct {
	seed  maphash.Seed
	parts [partCount]atomic.Pointer[map[string]*slowName]
}

// find returns what is known of this user name, nil if it has no slow credential.
func (s *slowNames) find(user []byte) *slowName {
	part := s.parts[maphash.Bytes(s.seed, user)%partCount].Load()
	if part == nil {
		return nil
	}
	return (*part)[string(user)]
}

// update publishes changed names; nil takes a name out. Parts without a change stay as they are.
func (s *slowNames) update(changed map[string]*slowName) {
	var parts [partCount][]string
	for user := range changed {
		i := maphash.String(s.seed, user) % partCount
		parts[i] = append(parts[i], user)
	}
	for i, users := range parts {
		if len(users) == 0 {
			continue
		}
		next := map[string]*slowName{}
		if old := s.parts[i].Load(); old != nil {
			next = maps.Clone(*old)
		}
		for _, user := range users {
			if name := changed[user]; name != nil {
				next[user] = name
			} else {
				delete(next, user)
			}
		}
		s.parts[i].Store(&next)
	}
}

// highest is the most work that any name takes.
func (s *slowNames) highest() verify.Work {
	var highest verify.Work
	for i := range s.parts {
		if part := s.parts[i].Load(); part != nil {
			for _, name := range *part {
				highest = highest.Max(name.work)
			}
		}
	}
	return highest
}
