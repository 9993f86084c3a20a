package main

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// TestAHashIsOfWhatAClientSends: the same text in a file lets the same client in, line end or not, and what no client can
// send, or bcrypt cannot tell from others, has no hash.
func TestAHashIsOfWhatAClientSends(t *testing.T) {
	for _, c := range []struct{ in, password string }{
		{"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"}, {" two words ", " two words "},
		{"secret\n\n", ""}, {"\r\n", ""}, {"sec\x00ret", ""}, {"\x00", ""}, {"tab\t", ""}, {strings.Repeat("x", 73), ""},
		{strings.Repeat("x", 72), strings.Repeat("x", 72)},
	} {
		var out bytes.Buffer
		err := hashPassword(console{in: strings.NewReader(c.in), out: &out}, bcrypt.MinCost)
		if (err == nil) != (c.password != "") {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if err == nil && bcrypt.CompareHashAndPassword(bytes.TrimSpace(out.Bytes()), []byte(c.password)) != nil {
			t.Errorf("%q has the hash of something else", c.in)
		}
		if err != nil && (out.Len() > 0 || strings.Contains(err.Error(), "ret")) {
			t.Errorf("%q: prints %q, %v", c.in, &out, err)
		}
	}
}
