package proxy

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// debtor is a member of a roster that is kept as long as it owes something.
type debtor struct {
	use
	owes atomic.Bool
}

func (d *debtor) worthKeeping(time.Time) bool { return d.owes.Load() }

// TestNobodyHasTwoShares: however members come and go, there is one for a name at a time, and one that is worth keeping is
// not lost.
func TestNobodyHasTwoShares(t *testing.T) {
	const names, workers, rounds = 8, 16, 3000
	r := newRoster[debtor]()
	var inUse [names]struct {
		sync.Mutex
		member *debtor
		users  int
		owed   *debtor // has to be there until it is paid
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range rounds {
				n := rand.IntN(names)
				m := r.enter(fmt.Sprint("team-", n))
				now := &inUse[n]
				now.Lock()
				if now.users > 0 && now.member != m {
					t.Error("two at a time")
				}
				if now.owed != nil && now.owed != m {
					t.Error("one that owed something was given up")
				}
				now.member = m
				now.users++
				switch rand.IntN(4) {
				case 0:
					m.owes.Store(true)
					now.owed = m
				case 1:
					m.owes.Store(false)
					now.owed = nil
				}
				now.Unlock()
				if rand.IntN(2) == 0 {
					r.prune(2)
				}
				r.enter(fmt.Sprint("once-", i)).end()
				now.Lock()
				now.users--
				now.Unlock()
				m.end()
			}
		})
	}
	all.Wait()
	for i := range inUse {
		if m, known := r.find(fmt.Sprint("team-", i)); inUse[i].owed != nil && (!known || m != inUse[i].owed) {
			t.Error("one that owes something at the end was given up")
		} else if known {
			m.owes.Store(false)
		}
	}
	for _, m := range r.all {
		if users := m.users.Load(); users != 0 {
			t.Errorf("%s has %d users at the end", m.name, users)
		}
	}
	r.prune(r.size())
	if left := r.size() + len(r.all); left != 0 {
		t.Errorf("%d are left when nobody needs one", left)
	}
}

// TestNamesDoNotAddUp: a roster keeps what is in use and what is worth keeping, and a few more, however many names there
// were.
func TestNamesDoNotAddUp(t *testing.T) {
	r := newRoster[debtor]()
	kept := map[string]*debtor{}
	for i := range 100_000 {
		m := r.enter(fmt.Sprint("team-", i))
		switch {
		case i%1000 == 0:
			kept[m.name] = m
			continue // in use
		case i%1000 == 500:
			kept[m.name] = m
			m.owes.Store(true)
		}
		m.end()
	}
	if most := 2*len(kept) + 2; r.size() > most || len(r.all) != r.size() {
		t.Errorf("%d are kept, %d listed; want at most %d", r.size(), len(r.all), most)
	}
	for name, m := range kept {
		if found, ok := r.find(name); !ok || found != m {
			t.Fatalf("%s was given up", name)
		}
	}
}
