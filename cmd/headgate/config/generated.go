package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// NewPassword is a random password and its password_sha256. It has 130 random bits:
// nobody can search for those, so plain SHA-256 is enough and costs no slow hash.
func NewPassword() (password, sum string) {
	password = rand.Text()
	digest := sha256.Sum256([]byte(password))
	return password, hex.EncodeToString(digest[:])
}
