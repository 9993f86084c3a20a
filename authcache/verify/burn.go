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
}

// NewBurner prepares a hash of every cost. None was made from a password.
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
	return b
}

// Burn checks password against dummies whose rounds add up to the given number, rounded down to what bcrypt can do (16
// is its least). It must be a password that CanBcrypt, or it takes no time at all.
func (b *Burner) Burn(rounds uint64, password []byte) {
	const most = 1 << MaxBcryptCost
	for ; rounds >= most; rounds -= most {
		b.dummies[MaxBcryptCost].Match(password)
	}
	for rounds >= 1<<MinBcryptCost {
		cost := bits.Len64(rounds) - 1
		b.dummies[cost].Match(password)
		rounds -= 1 << cost
	}
}
