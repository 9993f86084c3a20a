package proxy

import (
	"testing"
	"time"
)

func TestRetriesAreAFifthOfTheRequestsAndTenASecond(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	var b retryBudget
	spendAll := func(second int) (n int) {
		for b.spend(at.Add(time.Duration(second) * time.Second)) {
			n++
		}
		return n
	}
	request := func(second, n int) {
		for range n {
			b.request(at.Add(time.Duration(second) * time.Second))
		}
	}
	steps := []struct {
		what     string
		second   int
		requests int
		want     int
	}{
		{"the start: five seconds' worth", 0, 0, 50},
		{"everything was spent: ten a second", 1, 0, 10},
		{"a thousand requests bring two hundred", 2, 1000, 200},
		{"then ten again", 3, 0, 10},
		{"what is not spent is kept", 6, 0, 30},
		{"but not for longer than five seconds", 60, 0, 50},
	}
	for _, s := range steps {
		request(s.second, s.requests)
		if got := spendAll(s.second); got != s.want {
			t.Errorf("second %d, %s: %d retries, want %d", s.second, s.what, got, s.want)
		}
	}
	for second := 100; second < 110; second++ { // nothing fails
		request(second, 1000)
	}
	if got := spendAll(110); got != 810 {
		t.Errorf("after ten quiet seconds with 1,000 requests each: %d retries at once, want 800 saved and 10", got)
	}
	if got := spendAll(111); got != 10 {
		t.Errorf("the second after: %d retries, want 10", got)
	}
}
