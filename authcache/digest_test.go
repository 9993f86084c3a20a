package authcache

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

func TestDigestsTellPartsApart(t *testing.T) {
	type parts struct {
		kind         kind
		user, secret string
	}
	long := strings.Repeat("x", 300)
	token := strings.Repeat("x", MaxAuthorizationSize-8)
	all := []parts{
		{0, "a:b", "c"}, {0, "a", "b:c"}, {0, "a", "bc"}, {0, "ab", "c"}, {0, "abc", ""}, {0, "", "abc"}, {0, "", ""},
		{1, "ab", "c"}, {storedHash, "ab", "c"}, {0, "a\x00", "b"}, {0, "a", "\x00b"}, {0, "a\x00\x01", "b"}, {0, "a", "\x00\x01b"},
		{0, "A", "bc"}, {0, "a", "bc "}, {0, long, "c"}, {0, "c", long}, {0, long + "c", ""}, {0, long, token[:7000]}, {0, "", token},
		// The lengths of an ambiguous encoding, as data.
		{0, "", "\x00\x01a"}, {0, "\x00\x01a", ""},
	}
	d := newDigester()
	other := newDigester()
	seen := map[digest]parts{}
	for _, p := range all {
		sum := d.sum(p.kind, []byte(p.user), []byte(p.secret))
		if twin, found := seen[sum]; found {
			t.Errorf("%.20q and %.20q have one digest", p, twin)
		}
		seen[sum] = p
		if sum != d.sum(p.kind, []byte(p.user), []byte(p.secret)) {
			t.Errorf("%.20q has two digests", p)
		}
		if sum == other.sum(p.kind, []byte(p.user), []byte(p.secret)) {
			t.Errorf("%.20q has one digest under two keys", p)
		}
	}
}

// The digest is plain SHA-256 over the key and the parts, however long these are.
func TestDigestIsSHA256OfKeyAndParts(t *testing.T) {
	var key [sha256.BlockSize]byte
	copy(key[:], "a key of which the first bytes are not zero")
	d := newDigesterOf(key)
	for _, size := range []int{0, 1, 50, 51, 250, 251, 252, 300, 512, 1019, 8000, 100_000} {
		user, secret := bytes.Repeat([]byte("u"), size/3), bytes.Repeat([]byte("s"), size-size/3)
		if len(secret) > 65535 {
			continue
		}
		text := append(bytes.Clone(key[:]), 1)
		text = binary.BigEndian.AppendUint16(text, uint16(len(user)))
		text = binary.BigEndian.AppendUint16(text, uint16(len(secret)))
		want := sha256.Sum256(append(append(text, user...), secret...))
		for range 3 { // each time from the same state
			sum := d.sum(1, user, secret)
			var got []byte
			for _, word := range sum {
				got = binary.LittleEndian.AppendUint64(got, word)
			}
			if !bytes.Equal(got, want[:]) {
				t.Fatalf("%d bytes: got %x, want %x", size, got, want)
			}
		}
	}
}

// Nothing of a secret stays behind in what is kept for the next digest.
func TestDigesterForgetsTheSecret(t *testing.T) {
	const canary = "canary-1f3a"
	d := newDigester()
	m := d.pool.New().(*hasher)
	d.pool.New = func() any { return m }
	for _, size := range []int{20, 300, 5000} {
		d.sum(0, []byte("user"), bytes.Repeat([]byte(canary), size/len(canary)))
		state, err := m.hash.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(state, d.keyed) || bytes.Contains(m.text[:], []byte(canary[:4])) || strings.Contains(fmt.Sprint(m.hash), fmt.Sprint([]byte(canary))[1:20]) {
			t.Errorf("%d bytes: something is left", size)
		}
	}
}

func FuzzDigestHasNoCollisions(f *testing.F) {
	f.Add(byte(0), []byte("a:b"), []byte("c"), byte(0), []byte("a"), []byte("b:c"))
	f.Add(byte(0), []byte("a"), []byte(""), byte(1), []byte("a"), []byte(""))
	f.Add(byte(0), []byte(""), []byte("\x00\x01a"), byte(0), []byte("\x00\x01a"), []byte(""))
	d := newDigester()
	f.Fuzz(func(t *testing.T, k1 byte, u1, s1 []byte, k2 byte, u2, s2 []byte) {
		if len(u1)+len(s1) > MaxAuthorizationSize || len(u2)+len(s2) > MaxAuthorizationSize {
			return
		}
		same := k1 == k2 && bytes.Equal(u1, u2) && bytes.Equal(s1, s2)
		one, two := d.sum(kind(k1), u1, s1), d.sum(kind(k2), u2, s2)
		if one.equal(&two) != same {
			t.Fatalf("%q %q and %q %q: one digest is %v", u1, s1, u2, s2, !same)
		}
	})
}
