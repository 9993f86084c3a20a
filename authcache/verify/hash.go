package verify

import (
	"errors"
	"strings"
)

// Hash is a stored password hash. It is immutable and may be used by any number of goroutines.
type Hash interface {
	// Match reports whether password is the one that was hashed. It takes as long as Work says, whatever the
	// answer, and keeps nothing of password.
	Match(password []byte) bool
	// Work is what one Match takes.
	Work() Work
}

// Work is how much there is to compute, counted by kind: the same counts take the same time, whatever was computed.
type Work struct {
	Rounds  uint64 // of bcrypt's key schedule, about 50 µs each: a hash of cost n takes 2^n of them
	Digests uint64 // of apr1, about 300 µs each
}

// Plus is the work of both, one after the other.
func (w Work) Plus(other Work) Work {
	return Work{Rounds: w.Rounds + other.Rounds, Digests: w.Digests + other.Digests}
}

// Minus is what is left of w once spent was done.
func (w Work) Minus(spent Work) Work {
	return Work{Rounds: w.Rounds - min(w.Rounds, spent.Rounds), Digests: w.Digests - min(w.Digests, spent.Digests)}
}

// Max is the least work that holds both.
func (w Work) Max(other Work) Work {
	return Work{Rounds: max(w.Rounds, other.Rounds), Digests: max(w.Digests, other.Digests)}
}

// Reaches reports whether w has as much of any kind as most, which has something of it.
func (w Work) Reaches(most Work) bool {
	return w.Rounds > 0 && w.Rounds >= most.Rounds || w.Digests > 0 && w.Digests >= most.Digests
}

// ParseHash reads a password hash, whose form is told by how it begins. The errors say what is wrong without repeating
// the hash, which is a secret.
func ParseHash(text string) (Hash, error) {
	switch {
	case strings.HasPrefix(text, "$2"):
		return ParseBcrypt(text)
	case strings.HasPrefix(text, apr1Prefix):
		return ParseAPR1(text)
	case strings.HasPrefix(text, shaPrefix):
		return ParseSHA(text)
	}
	return nil, errors.New(`the hash is of an unknown kind; want bcrypt, which begins with "$2a$", "$2b$" or "$2y$" (headgate hash-password makes one), or of an htpasswd file "$apr1$" or "{SHA}"`)
}

// TakesAnyLength reports whether the hash can tell passwords apart that are longer than MaxBcryptPassword.
func TakesAnyLength(h Hash) bool {
	switch h.(type) {
	case *APR1, *SHA:
		return true
	}
	return false
}
