package verify

import (
	"fmt"
	"strings"
	"testing"
)

// The apr1 hashes are what "openssl passwd -apr1" makes, the SHA what "htpasswd -s" does.
func TestHtpasswdHashesMatchTheirPasswordOnly(t *testing.T) {
	tests := []struct{ hash, password string }{
		{"$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/", "secret"},
		{"$apr1$r31.....$QNZtlKjDtDura8txpMQf0/", "a b:c"},
		{"$apr1$r31.....$KSvewVT9SXsuCmeOSgRet/", strings.Repeat("x", 100)},
		{"$apr1$a$lsAcX0kKaMIVmrCtUuk5b0", ""},
		{"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"},
	}
	for _, test := range tests {
		hash, err := ParseHash(test.hash)
		if err != nil {
			t.Fatal(err)
		}
		if !hash.Match([]byte(test.password)) {
			t.Errorf("%s does not match %q", test.hash, test.password)
		}
		for _, wrong := range []string{test.password + "x", test.password + "\x00", "\x00", "Secret", strings.Repeat("x", 99)} {
			if hash.Match([]byte(wrong)) {
				t.Errorf("%s matches %q", test.hash, wrong)
			}
		}
		if text := fmt.Sprint(hash); text != "<secret>" {
			t.Errorf("it prints as %q", text)
		}
		if !TakesAnyLength(hash) {
			t.Error("it does not take passwords of any length")
		}
	}
}

func TestWorkAddsUp(t *testing.T) {
	a, b := Work{Rounds: 16, Digests: 1}, Work{Rounds: 4, Digests: 3}
	if got := a.Plus(b); got != (Work{20, 4}) {
		t.Errorf("sum %v", got)
	}
	if got := a.Max(b); got != (Work{16, 3}) {
		t.Errorf("max %v", got)
	}
	if got := a.Max(b).Minus(b); got != (Work{12, 0}) {
		t.Errorf("difference %v", got)
	}
	for _, test := range []struct {
		w, most Work
		want    bool
	}{
		{Work{16, 0}, Work{16, 3}, true}, {Work{4, 3}, Work{16, 3}, true}, {Work{4, 2}, Work{16, 3}, false}, {Work{}, Work{}, false},
	} {
		if got := test.w.Reaches(test.most); got != test.want {
			t.Errorf("%v reaches %v: %v", test.w, test.most, got)
		}
	}
}

func BenchmarkAPR1(b *testing.B) {
	hash, err := ParseHash("$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		hash.Match([]byte("wrong"))
	}
}
