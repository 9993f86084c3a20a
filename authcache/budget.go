package authcache

import "time"

// budget is processor time that refills at a steady rate and may be overdrawn: what a check costs is known only when it
// is over. It is not safe for concurrent use.
type budget struct {
	share   float64 // of one core: seconds of credit a second
	balance time.Duration
	at      time.Time // when balance was right
}

// budgetSpan is how long an unused budget keeps on filling.
const budgetSpan = 10 * time.Second

func newBudget(share float64, now time.Time) budget {
	return budget{share: share, balance: time.Duration(share * float64(budgetSpan)), at: now}
}

// open reports whether there is credit.
func (b *budget) open(now time.Time) bool {
	b.refill(now)
	return b.balance > 0
}

// wait is how long it takes until there is credit again.
func (b *budget) wait(now time.Time) time.Duration {
	if b.open(now) {
		return 0
	}
	return time.Duration(float64(-b.balance)/b.share) + time.Microsecond
}

// charge takes what was spent.
func (b *budget) charge(spent time.Duration, now time.Time) {
	b.refill(now)
	b.balance -= spent
}

func (b *budget) refill(now time.Time) {
	if elapsed := now.Sub(b.at); elapsed > 0 {
		most := time.Duration(b.share * float64(budgetSpan))
		b.balance = min(most, b.balance+time.Duration(b.share*float64(elapsed)))
		b.at = now
	}
}
