package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/authcache/verify"
)

// NewPassword is a random password and its password_sha256. It has 130 random bits:
// nobody can search for those, so plain SHA-256 is enough and costs no slow hash.
func NewPassword() (password, sum string) {
	password = rand.Text()
	digest := sha256.Sum256([]byte(password))
	return password, hex.EncodeToString(digest[:])
}

// HashPassword is a password_hash for a password, of a cost from
// verify.MinBcryptCost to MaxBcryptCost. The errors are those of a password that no
// client can send, or that bcrypt cannot tell from others.
func HashPassword(password string, cost int) (Secret, error) {
	switch {
	case hasControl(password):
		return "", errors.New("the password holds a control character or a line break, which no client can send; want it in one line")
	case !verify.CanBcrypt([]byte(password)):
		return "", fmt.Errorf("the password has %d bytes; bcrypt takes at most %d", len(password), verify.MaxBcryptPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", err
	}
	return Secret(hash), nil
}
