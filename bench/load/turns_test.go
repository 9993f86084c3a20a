package load

import "testing"

// With more than one request, each comes as often as the others.
func TestRequestsAreSentInTurn(t *testing.T) {
	d := &driver{o: Options{Request: []byte("a")}}
	if got := string(d.request()) + string(d.request()); got != "aa" {
		t.Errorf("one request: %q", got)
	}
	d.o.Further = [][]byte{[]byte("b"), []byte("c")}
	sent := ""
	for range 6 {
		sent += string(d.request())
	}
	if sent != "bcabca" {
		t.Errorf("three requests: %q", sent)
	}
}
