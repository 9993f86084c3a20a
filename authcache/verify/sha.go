package verify

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

const shaPrefix = "{SHA}"

// SHA is an unsalted SHA-1, "{SHA}" and base64, as htpasswd -s writes it. It protects a good password about as well as
// plain text does; headgate takes it so that a file can move in as it is.
type SHA struct {
	sum [sha1.Size]byte
}

// ParseSHA reads such a hash.
func ParseSHA(text string) (*SHA, error) {
	encoded, found := strings.CutPrefix(text, shaPrefix)
	sum, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !found || err != nil || len(sum) != sha1.Size || strings.ContainsAny(encoded, "\r\n") {
		return nil, errors.New(`the SHA hash is damaged; want "{SHA}" and 28 characters of base64`)
	}
	return &SHA{sum: [sha1.Size]byte(sum)}, nil
}

// Match implements Hash. A password with a zero byte never matches, as with the other hashes.
func (s *SHA) Match(password []byte) bool {
	if bytes.IndexByte(password, 0) >= 0 {
		return false
	}
	sum := sha1.Sum(password)
	return subtle.ConstantTimeCompare(sum[:], s.sum[:]) == 1
}

// Work implements Hash: next to the others it is nothing.
func (s *SHA) Work() Work { return Work{} }

// String keeps the hash out of logs.
func (s *SHA) String() string { return "<secret>" }
