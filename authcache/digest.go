package authcache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// digest is the keyed SHA-256 of a credential, in words so that comparing two takes the same time wherever they differ.
type digest [4]uint64

// equal compares whole digests in constant time.
func (d *digest) equal(other *digest) bool {
	return (d[0]^other[0])|(d[1]^other[1])|(d[2]^other[2])|(d[3]^other[3]) == 0
}

// keySize is the key's length in bytes: 128 bits, as much as anybody can hope not to guess. A longer one would push most
// credentials into a second block of SHA-256, which costs half as much again.
const keySize = 16

// digester makes digests under a key of this process. Nobody outside sees a digest, and the key never leaves memory, so
// a table of them says nothing about the passwords behind it, and nobody can look for a credential that collides.
type digester struct {
	key [keySize]byte // immutable
}

func newDigester() digester {
	var d digester
	rand.Read(d.key[:]) // never fails (crypto/rand)
	return d
}

// kind keeps the digests of different things apart, even when their parts are the same.
type kind uint8

const (
	presented  kind = 0    // + Scheme: what a request shows
	storedHash kind = 0x80 // + Scheme: what a source holds; the secret is the text of a hash
)

// The fixed parts of the text that is hashed: key, kind, and two lengths of two bytes.
const digestOverhead = keySize + 1 + 2 + 2

// Buffers for the text. Clearing one takes time, so an ordinary password does not pay for the longest token.
const (
	smallDigest  = 128
	mediumDigest = 1024
	largeDigest  = digestOverhead + MaxAuthorizationSize
)

// sum hashes key, kind and the length-prefixed parts, so that no two different lists of parts give the same text ("a:b"
// with "c" is not "a" with "b:c"). Together the parts must not be over MaxAuthorizationSize.
func (d *digester) sum(k kind, user, secret []byte) digest {
	size := digestOverhead + len(user) + len(secret)
	if size > smallDigest {
		return d.sumMedium(k, user, secret)
	}
	var text [smallDigest]byte
	d.write(text[:], k, user, secret)
	return hashAndWipe(text[:size])
}

func (d *digester) sumMedium(k kind, user, secret []byte) digest {
	size := digestOverhead + len(user) + len(secret)
	if size > mediumDigest {
		return d.sumLarge(k, user, secret)
	}
	var text [mediumDigest]byte
	d.write(text[:], k, user, secret)
	return hashAndWipe(text[:size])
}

func (d *digester) sumLarge(k kind, user, secret []byte) digest {
	size := digestOverhead + len(user) + len(secret)
	if size > largeDigest {
		panic("BUG: a credential over its limit came to be hashed")
	}
	var text [largeDigest]byte
	d.write(text[:], k, user, secret)
	return hashAndWipe(text[:size])
}

func (d *digester) write(text []byte, k kind, user, secret []byte) {
	copy(text, d.key[:])
	text[keySize] = byte(k)
	binary.BigEndian.PutUint16(text[keySize+1:], uint16(len(user)))
	binary.BigEndian.PutUint16(text[keySize+3:], uint16(len(secret)))
	copy(text[digestOverhead:], user)
	copy(text[digestOverhead+len(user):], secret)
}

// hashAndWipe leaves neither the key nor the secret behind on the stack.
func hashAndWipe(text []byte) digest {
	hash := sha256.Sum256(text)
	clear(text)
	return digest{
		binary.LittleEndian.Uint64(hash[0:]),
		binary.LittleEndian.Uint64(hash[8:]),
		binary.LittleEndian.Uint64(hash[16:]),
		binary.LittleEndian.Uint64(hash[24:]),
	}
}
