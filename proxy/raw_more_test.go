package proxy

import (
	"sync"
	"testing"
)

// rawWorkers is how many raw cases are under way at a time: most of their time is waiting for answers that must not come.
const rawWorkers = 16

// runRawCases runs play for every case, several at a time, each as a test of its own.
func runRawCases(t *testing.T, cases []rawCase, workers int, play func(t *testing.T, c *rawCase)) {
	t.Helper()
	next := make(chan *rawCase)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for c := range next {
				t.Run(c.ID, func(t *testing.T) { play(t, c) })
			}
		})
	}
	for i := range cases {
		next <- &cases[i]
	}
	close(next)
	running.Wait()
}

// TestMoreRawRequests sends what the given case file leaves out: every kind of it, as somebody else would have thought of
// it.
func TestMoreRawRequests(t *testing.T) {
	t.Parallel()
	runRawCases(t, readRawCases(t, "testdata/raw-http-more.jsonl"), rawWorkers, playRawCase)
}
