package authcache

import (
	"runtime"

	"github.com/headgate/headgate/authcache/verify"
)

// SlowWork is what it takes to check every slow credential once, as after a restart when all their clients come, and how
// many there are.
func (c *Cache) SlowWork() (work verify.Work, credentials int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.hashes {
		work = work.Plus(r.hashed.hash.Work())
	}
	return work, len(c.hashes)
}

// Workers is how many checks of slow credentials run at a time where Options do not say.
func Workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }
