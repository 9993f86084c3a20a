package verify

import (
	"errors"
	"strings"
)

// Hash is a stored password hash. It is immutable and may be used by any number of goroutines.
type Hash interface {
	// Match reports whether password is the one that was hashed. It takes as long as Rounds says, whatever the
	// answer, and keeps nothing of password.
	Match(password []byte) bool
	// Rounds is the work of one Match in rounds of bcrypt's key schedule (about 50 µs each): a bcrypt hash of cost
	// n takes 2^n of them.
	Rounds() uint64
}

// ParseHash reads a password hash, whose form is told by how it begins. The errors say what is wrong without repeating
// the hash, which is a secret.
func ParseHash(text string) (Hash, error) {
	if strings.HasPrefix(text, "$2") {
		return ParseBcrypt(text)
	}
	return nil, errors.New(`the hash is of an unknown kind; want bcrypt, which begins with "$2a$", "$2b$" or "$2y$" (headgate hash-password makes one)`)
}
