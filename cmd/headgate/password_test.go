package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
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

// TestTheDigestIsOfThePasswordBesideIt: whoever copies both lines lets that client in.
func TestTheDigestIsOfThePasswordBesideIt(t *testing.T) {
	seen := make(map[string]bool)
	for range 2 {
		var out bytes.Buffer
		if err := newPasswordCommand().define(flag.NewFlagSet("", flag.ContinueOnError))(console{out: &out}, nil); err != nil {
			t.Fatal(err)
		}
		password, line, _ := strings.Cut(out.String(), "\n")
		if want := fmt.Sprintf("password_sha256 = \"%x\"\n", sha256.Sum256([]byte(password))); line != want {
			t.Errorf("%s is printed with %s; want %s", password, line, want)
		}
		if seen[password] {
			t.Errorf("%s is printed twice", password)
		}
		seen[password] = true
	}
}
