package verify

import (
	"fmt"
	"math/bits"
	"strings"
)

// Burner does the work of checks without an outcome, so that a user who does not exist takes as long to refuse as a
// wrong password. The zero value is not usable; make one with NewBurner and share it.
type Burner struct {
	dummies [MaxBcryptCost + 1]*Bcrypt
	apr1    *APR1
}

// NewBurner prepares a hash of every cost and kind. None was made from a password.
func NewBurner() *Burner {
	b := &Burner{}
	for cost := MinBcryptCost; cost <= MaxBcryptCost; cost++ {
		text := fmt.Sprintf("$2b$%02d$%s%s", cost, strings.Repeat("headgate", 3)[:21]+"u", strings.Repeat("headgate", 4)[:30]+"u")
		dummy, err := ParseBcrypt(text)
		if err != nil {
			panic("BUG: the dummy hash is not a hash: " + err.Error())
		}
		b.dummies[cost] = dummy
	}
	apr1, err := ParseAPR1("$apr1$headgate$headgateheadgatehead0.")
	if err != nil {
		panic("BUG: the dummy hash is not a hash: " + err.Error())
	}
	b.apr1 = apr1
	return b
}

// Burn checks password against dummies whose work adds up to the given one; rounds are rounded down to what bcrypt can
// do (16 is its least). It must be a password that CanBcrypt, or rounds take no time at all.
func (b *Burner) Burn(work Work, password []byte) {
	for range work.Digests {
		b.apr1.Match(password)
	}
	const most = 1 << MaxBcryptCost
	rounds := work.Rounds
	for ; rounds >= most; rounds -= most {
		b.dummies[MaxBcryptCost].Match(password)
	}
	for rounds >= 1<<MinBcryptCost {
		cost := bits.Len64(rounds) - 1
		b.dummies[cost].Match(password)
		rounds -= 1 << cost
	}
}
