package header

import "testing"

func TestValue(t *testing.T) {
	for _, test := range []struct {
		line, value string
		ok          bool
	}{
		{"Content-Length: 12", "12", true},
		{"content-length:12 ", "12", true},
		{"CONTENT-LENGTH:", "", true},
		{"Content-Length", "", false},
		{"Content-Lengthy: 1", "", false},
		{"Content-Type: a", "", false},
		{"Content_Length: 1", "", false},
		{"", "", false},
	} {
		value, ok := Value([]byte(test.line), "content-length")
		if string(value) != test.value || ok != test.ok {
			t.Errorf("%q: got %q, %v; want %q, %v", test.line, value, ok, test.value, test.ok)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		digits string
		n      int
		ok     bool
	}{
		{"0", 0, true}, {"5242880", 5242880, true}, {"", 0, false}, {"-1", 0, false}, {"1 ", 0, false},
		{"9999999999999999", 0, false},
	} {
		if n, ok := Number([]byte(test.digits)); n != test.n || ok != test.ok {
			t.Errorf("%q: got %d, %v; want %d, %v", test.digits, n, ok, test.n, test.ok)
		}
	}
}
