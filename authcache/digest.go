package authcache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"math"
	"net/netip"
	"sync"
)

// digest is the keyed SHA-256 of a credential, in words so that comparing two takes the same time wherever they differ.
type digest [4]uint64

// equal compares whole digests in constant time.
func (d *digest) equal(other *digest) bool {
	return (d[0]^other[0])|(d[1]^other[1])|(d[2]^other[2])|(d[3]^other[3]) == 0
}

// digester makes digests under a key of this process. Nobody outside sees a digest, and the key never leaves memory, so
// a table of them says nothing about the passwords behind it, and nobody can look for a credential that collides.
//
// The key fills the first block of SHA-256 exactly. What the hash is after that block is computed once, and every digest
// goes on from there: most credentials then take one more block instead of two, a quarter of the time of a look-up.
type digester struct {
	keyed []byte    // immutable; the hash's state after the key
	pool  sync.Pool // of *hasher in that state
}

// hasher is a hash and the text it is given. Both would be allocated for each digest if they were not kept.
type hasher struct {
	hash hash.Hash
	text [256]byte
	sum  [sha256.Size]byte
}

func newDigester() *digester {
	var key [sha256.BlockSize]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	return newDigesterOf(key)
}

func newDigesterOf(key [sha256.BlockSize]byte) *digester {
	h := sha256.New()
	h.Write(key[:])
	keyed, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("BUG: SHA-256 does not tell its state: " + err.Error())
	}
	d := &digester{keyed: keyed}
	d.pool.New = func() any {
		m := &hasher{hash: sha256.New()}
		m.rewind(keyed)
		return m
	}
	return d
}

// at is for a credential that not all may use from everywhere: the digest of it at one address.
func (d *digester) at(credential digest, from netip.Addr) digest {
	var text [sha256.Size]byte
	for i, word := range credential {
		binary.LittleEndian.PutUint64(text[8*i:], word)
	}
	address := from.Unmap().WithZone("").As16()
	return d.sum(placed, address[:], text[:])
}

// kind keeps the digests of different things apart, even when their parts are the same.
type kind uint8

const (
	presented    kind = 0    // + Scheme: what a request shows
	storedSHA256 kind = 0x40 // + Scheme: what a source holds; the secret is the SHA-256 of the secret
	storedHash   kind = 0x80 // + Scheme: what a source holds; the secret is the text of a hash
	placed       kind = 0xc0 // an address; the secret is the digest of a credential
)

// The kind, and two lengths of two bytes, stand before the parts.
const digestHead = 1 + 2 + 2

// sum hashes the kind and the length-prefixed parts, so that no two different lists of parts give the same text ("a:b"
// with "c" is not "a" with "b:c"). No part may be over 65,535 bytes.
func (d *digester) sum(k kind, user, secret []byte) digest {
	if len(user) > math.MaxUint16 || len(secret) > math.MaxUint16 {
		panic("BUG: a credential over its limit came to be hashed")
	}
	m := d.pool.Get().(*hasher)
	m.text[0] = byte(k)
	binary.BigEndian.PutUint16(m.text[1:], uint16(len(user)))
	binary.BigEndian.PutUint16(m.text[3:], uint16(len(secret)))
	n := digestHead
	// The parts are copied first, also the long ones: given to the hash as they are, they would have to live on the
	// heap, since it is an interface.
	if n+len(user)+len(secret) <= len(m.text) {
		n += copy(m.text[n:], user)
		n += copy(m.text[n:], secret)
		m.hash.Write(m.text[:n])
	} else {
		m.hash.Write(m.text[:n])
		m.write(user)
		m.write(secret)
		n = len(m.text)
	}
	m.hash.Sum(m.sum[:0])
	result := digest{
		binary.LittleEndian.Uint64(m.sum[0:]),
		binary.LittleEndian.Uint64(m.sum[8:]),
		binary.LittleEndian.Uint64(m.sum[16:]),
		binary.LittleEndian.Uint64(m.sum[24:]),
	}
	clear(m.text[:n]) // the secret stays neither here nor in the hash
	m.rewind(d.keyed)
	d.pool.Put(m)
	return result
}

func (m *hasher) write(part []byte) {
	for len(part) > 0 {
		n := copy(m.text[:], part)
		m.hash.Write(m.text[:n])
		part = part[n:]
	}
}

// rewind brings the hash to where it was after the key, and overwrites the text it has buffered.
func (m *hasher) rewind(keyed []byte) {
	if err := m.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(keyed); err != nil {
		panic("BUG: SHA-256 does not take its own state: " + err.Error())
	}
}
