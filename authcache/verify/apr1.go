package verify

import (
	"bytes"
	"errors"
	"strings"

	"github.com/GehirnInc/crypt/apr1_crypt"
)

const (
	apr1Prefix     = apr1_crypt.MagicPrefix
	apr1HashLength = 22 // 16 bytes, six bits a character
	apr1Characters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// APR1 is Apache's variant of MD5-crypt, "$apr1$salt$hash": what htpasswd writes unless told otherwise. It is a thousand
// rounds of MD5, fast enough to be guessed where the file is stolen; headgate takes it so that a file can move in as it
// is.
type APR1 struct {
	text string
}

// ParseAPR1 reads such a hash.
func ParseAPR1(text string) (*APR1, error) {
	rest, found := strings.CutPrefix(text, apr1Prefix)
	salt, hash, cut := strings.Cut(rest, "$")
	switch {
	case !found || !cut:
		return nil, errors.New(`the apr1 hash is not whole; want "$apr1$", a salt, "$" and the hash`)
	case len(salt) < apr1_crypt.SaltLenMin || len(salt) > apr1_crypt.SaltLenMax || strings.Trim(salt, apr1Characters) != "":
		return nil, errors.New("the apr1 hash has a damaged salt; want 1 to 8 letters, digits, dots and slashes")
	// The last character holds the two bits that are left of 128.
	case len(hash) != apr1HashLength || strings.Trim(hash, apr1Characters) != "" || strings.IndexByte(apr1Characters, hash[apr1HashLength-1]) > 3:
		return nil, errors.New("the apr1 hash is damaged at its end; hash the password again")
	}
	return &APR1{text: text}, nil
}

// Match implements Hash. A password with a zero byte never matches, since C's crypt would have stopped there.
func (a *APR1) Match(password []byte) bool {
	if bytes.IndexByte(password, 0) >= 0 {
		return false
	}
	return apr1_crypt.New().Verify(a.text, password) == nil
}

// Work implements Hash.
func (a *APR1) Work() Work { return Work{Digests: 1} }

// String keeps the hash out of logs.
func (a *APR1) String() string { return "<secret>" }
