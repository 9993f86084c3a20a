package proxy

import (
	"fmt"
	"testing"
)

// TestInterimAnswerIsNoEarlyAnswer: a 1xx in the middle of a large push does not end the sending.
func TestInterimAnswerIsNoEarlyAnswer(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		t.Run(fmt.Sprintf("chunked %v", chunked), func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) {
				if l.head() {
					l.say("HTTP/1.1 100 Continue\r\n\r\n")
					l.delivered()
					if l.body() {
						l.say(answerOK)
					}
				}
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
			if got := g.ask(t, largePush(chunked)); got.status != 200 {
				t.Errorf("client got %v: %s", got, got.body)
			}
		})
	}
}
