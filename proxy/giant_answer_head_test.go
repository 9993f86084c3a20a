package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// TestAnAnswerWithAGiantHeadIsNotTheClientsFault: what the client is told names the limit that was met, not that of its own
// head.
func TestAnAnswerWithAGiantHeadIsNotTheClientsFault(t *testing.T) {
	t.Parallel()
	u := startScripted(t, answering(giantHead))
	g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
	for _, raw := range []string{push("samples"), query} {
		got := g.ask(t, raw)
		if got.reason != "bad_answer" || !strings.Contains(got.body, fmt.Sprintf("larger than %d KiB", maxAnswerHead>>10)) ||
			strings.Contains(got.body, "max_header_size") {
			t.Errorf("client got %v: %s", got, got.body)
		}
	}
}
