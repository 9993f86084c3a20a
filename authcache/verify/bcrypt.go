package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// MaxBcryptPassword is the longest password, in bytes, that bcrypt can tell from others. It ignores all that follows,
// so a longer one must be refused before it is hashed: 73 bytes would match the hash of their first 72.
const MaxBcryptPassword = 72

// MinBcryptCost and MaxBcryptCost bound the cost of a hash. The lower bound is bcrypt's own. The upper one is ours: at
// 20 a check takes most of a minute, and a mistyped 31 would take a core for a day.
const (
	MinBcryptCost = bcrypt.MinCost
	MaxBcryptCost = 20
)

// "$2b$" + two digits + "$" + 22 characters of salt + 31 of hash.
const (
	bcryptLength     = 60
	bcryptSaltStart  = 7
	bcryptHashStart  = bcryptSaltStart + 22
	bcryptCharacters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

var (
	bcryptSaltEncoding = base64.NewEncoding(bcryptCharacters).WithPadding(base64.NoPadding)
	bcryptHashEncoding = bcryptSaltEncoding.Strict()
)

// Bcrypt is a bcrypt hash, checked to be whole: a damaged one would answer a thousand times faster than a good one.
type Bcrypt struct {
	text []byte
	cost int
}

// ParseBcrypt reads a hash in bcrypt's modular crypt format, of version 2a, 2b or 2y (they differ only in faults that
// the programs which wrote them no longer have; 2x marks such a faulty hash and is refused).
func ParseBcrypt(text string) (*Bcrypt, error) {
	if len(text) != bcryptLength {
		return nil, fmt.Errorf("the bcrypt hash has %d characters; want %d", len(text), bcryptLength)
	}
	switch text[:4] {
	case "$2a$", "$2b$", "$2y$":
	default:
		return nil, errors.New(`the bcrypt hash has an unknown version; want "$2a$", "$2b$" or "$2y$"`)
	}
	digits := text[4:6]
	cost, err := strconv.Atoi(digits)
	if err != nil || strings.ContainsAny(digits, "+-") || text[6] != '$' {
		return nil, errors.New(`the bcrypt hash has no cost; want two digits and "$" after the version`)
	}
	if cost < MinBcryptCost || cost > MaxBcryptCost {
		return nil, fmt.Errorf("the bcrypt hash has cost %d; want %d to %d", cost, MinBcryptCost, MaxBcryptCost)
	}
	if !decodes(bcryptSaltEncoding, text[bcryptSaltStart:bcryptHashStart]) {
		return nil, errors.New("the bcrypt hash has a damaged salt; hash the password again")
	}
	if !decodes(bcryptHashEncoding, text[bcryptHashStart:]) {
		return nil, errors.New("the bcrypt hash is damaged at its end; hash the password again")
	}
	return &Bcrypt{text: []byte(text), cost: cost}, nil
}

// decodes reports whether text is of this encoding. The decoder skips line breaks, which no hash may have.
func decodes(encoding *base64.Encoding, text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := encoding.DecodeString(text)
	return err == nil
}

// Match implements Hash. A password over MaxBcryptPassword bytes, or with a zero byte in it, never matches: C's bcrypt
// would have stopped there, and one hash would then stand for several passwords.
func (b *Bcrypt) Match(password []byte) bool {
	if !CanBcrypt(password) {
		return false
	}
	return bcrypt.CompareHashAndPassword(b.text, password) == nil
}

// Work implements Hash.
func (b *Bcrypt) Work() Work { return Work{Rounds: 1 << b.cost} }

// Cost is the base-two logarithm of the rounds.
func (b *Bcrypt) Cost() int { return b.cost }

// String keeps the hash out of logs.
func (b *Bcrypt) String() string { return "<secret>" }

// CanBcrypt reports whether password is one that bcrypt hashes whole: not over MaxBcryptPassword bytes, no zero byte.
func CanBcrypt(password []byte) bool {
	if len(password) > MaxBcryptPassword {
		return false
	}
	for _, c := range password {
		if c == 0 {
			return false
		}
	}
	return true
}
