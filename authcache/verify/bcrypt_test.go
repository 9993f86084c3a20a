package verify

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// The hash of "secret" at cost 4.
const goodHash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"

func TestParseHashRefusesWhatIsNoWholeHash(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"empty", "", "unknown kind"},
		{"plain password", "secret", "unknown kind"},
		{"other modular crypt", "$6$salt$abcdefghijklmnopqrstuv", "unknown kind"},
		{"apr1 with left-over bits", "$apr1$salt$abcdefghijklmnopqrstuv", "damaged at its end"},
		{"apr1 cut", "$apr1$salt$abcdefghijklmnopqrst", "damaged at its end"},
		{"apr1 without salt", "$apr1$$abcdefghijklmnopqrstu.", "damaged salt"},
		{"apr1 with a long salt", "$apr1$123456789$abcdefghijklmnopqrstu.", "damaged salt"},
		{"apr1 without a hash", "$apr1$saltandmoreofit", "not whole"},
		{"apr1 with a bad character", "$apr1$salt$abcdefghij=lmnopqrstu.", "damaged at its end"},
		{"SHA cut", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ", "SHA hash is damaged"},
		{"SHA with a line break", "{SHA}5en6G6MezRroT3XKqk\ndPOmY/BfQ=", "SHA hash is damaged"},
		{"SHA of something else", "{SHA}c2VjcmV0", "SHA hash is damaged"},
		{"cut", goodHash[:59], "59 characters; want 60"},
		{"long", goodHash + ".", "61 characters; want 60"},
		{"version 2x", "$2x" + goodHash[3:], "unknown version"},
		{"version 2", "$2$" + goodHash[3:], "unknown version"},
		{"no cost", "$2a$xx$" + goodHash[7:], "no cost"},
		{"signed cost", "$2a$+4$" + goodHash[7:], "no cost"},
		{"no dollar", "$2a$04." + goodHash[7:], "no cost"},
		{"cost too low", "$2a$03$" + goodHash[7:], "cost 3; want 4 to 20"},
		{"cost too high", "$2a$31$" + goodHash[7:], "cost 31; want 4 to 20"},
		{"bad salt", "$2a$04$=" + goodHash[8:], "damaged salt"},
		{"line break in the salt", "$2a$04$\n" + goodHash[8:], "damaged salt"},
		{"bad hash", goodHash[:40] + "=" + goodHash[41:], "damaged at its end"},
		{"left-over bits", goodHash[:59] + "7", "damaged at its end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseHash(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
			if len(test.text) > 8 && strings.Contains(err.Error(), test.text[8:]) {
				t.Fatalf("the error repeats the hash: %v", err)
			}
		})
	}
}

func TestBcryptMatchesItsPasswordOnly(t *testing.T) {
	password := bytes.Repeat([]byte("p"), MaxBcryptPassword)
	text, err := bcrypt.GenerateFromPassword(password, bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"$2a", "$2b", "$2y"} {
		hash, err := ParseHash(version + string(text[3:]))
		if err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			name     string
			password []byte
			want     bool
		}{
			{"the password", password, true},
			{"one byte less", password[:len(password)-1], false},
			{"one byte more, which bcrypt does not see", append(bytes.Clone(password), 'x'), false},
			{"another last byte", append(bytes.Clone(password[:71]), 'x'), false},
			{"empty", nil, false},
		}
		for _, test := range tests {
			if got := hash.Match(test.password); got != test.want {
				t.Errorf("%s, %s: got %v, want %v", version, test.name, got, test.want)
			}
		}
		if hash.Work() != (Work{Rounds: 16}) {
			t.Errorf("got %v, want 16 rounds", hash.Work())
		}
	}
}

// bcrypt repeats the password, with a zero byte after each copy, to fill its key: "a" and "a\x00a" are one password to
// it.
func TestBcryptRefusesZeroBytes(t *testing.T) {
	text, err := bcrypt.GenerateFromPassword([]byte("a"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if bcrypt.CompareHashAndPassword(text, []byte("a\x00a")) != nil {
		t.Fatal("x/crypto tells them apart now; the test has lost its case")
	}
	hash, err := ParseBcrypt(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if !hash.Match([]byte("a")) || hash.Match([]byte("a\x00a")) {
		t.Fatal(`want a match of "a" and none of "a\x00a"`)
	}
}

func TestAHashPrintsAsASecret(t *testing.T) {
	hash, err := ParseBcrypt(goodHash)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%s", "%+v"} {
		if got := fmt.Sprintf(format, hash); got != "<secret>" {
			t.Errorf("%s printed %q", format, got)
		}
	}
}

func TestBurnIsNeverFree(t *testing.T) {
	// 16 and 48 rounds are one and two checks; less than bcrypt's least is none, and must end.
	burner := NewBurner()
	for _, rounds := range []uint64{0, 15, 16, 48, 63} {
		burner.Burn(Work{Rounds: rounds}, []byte("secret"))
	}
	for cost := MinBcryptCost; cost <= MaxBcryptCost; cost++ {
		if got := burner.dummies[cost].Cost(); got != cost {
			t.Errorf("the dummy of cost %d has cost %d", cost, got)
		}
	}
	if burner.dummies[MinBcryptCost].Match([]byte("headgate")) {
		t.Error("a dummy matched")
	}
}

// What a rejection costs must not tell whether the user exists: both lines should show the same time.
func BenchmarkReject(b *testing.B) {
	hash, err := ParseBcrypt(goodHash)
	if err != nil {
		b.Fatal(err)
	}
	burner := NewBurner()
	b.Run("wrong password", func(b *testing.B) {
		for b.Loop() {
			hash.Match([]byte("wrong"))
		}
	})
	b.Run("unknown user", func(b *testing.B) {
		for b.Loop() {
			burner.Burn(Work{Rounds: 16}, []byte("wrong"))
		}
	})
}

func FuzzParseBcrypt(f *testing.F) {
	f.Add(goodHash)
	f.Add("$2b$04$" + strings.Repeat("\n", 53))
	f.Add("$2y$20$......................" + strings.Repeat(".", 31))
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := ParseBcrypt(text)
		if err != nil {
			return
		}
		cost, err := bcrypt.Cost([]byte(text))
		if err != nil || cost != hash.Cost() {
			t.Fatalf("accepted with cost %d; x/crypto says %d, %v", hash.Cost(), cost, err)
		}
		if cost > bcrypt.MinCost {
			return
		}
		if err := bcrypt.CompareHashAndPassword([]byte(text), []byte("x")); err != nil && err != bcrypt.ErrMismatchedHashAndPassword {
			t.Fatalf("accepted, but x/crypto cannot check it: %v", err)
		}
	})
}
