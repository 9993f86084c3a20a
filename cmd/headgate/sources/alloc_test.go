//go:build !race

package sources

import (
	"fmt"
	"testing"
)

// TestAllocsOfAChangeDoNotGrow: a change of one client costs what it is worth, not what etcd holds, limits included.
func TestAllocsOfAChangeDoNotGrow(t *testing.T) {
	cost := func(clients int) float64 {
		e := enlist(t)
		all := make(map[string]string, clients)
		text := func(i, n int) string {
			user := fmt.Sprint("u", i)
			return value("team-"+user, user, fmt.Sprint(n), fmt.Sprintf("[limits]\nmax_in_flight = %d\n", n))
		}
		for i := range clients {
			all[fmt.Sprint("u", i)] = text(i, 1)
		}
		e.list(all, nil, e.now)
		n := 1
		return testing.AllocsPerRun(20, func() {
			n++
			e.puts("u7", text(7, n))
		})
	}
	if few, many := cost(500), cost(20_000); many > 1.2*few {
		t.Errorf("a change allocates %v times among 500 clients and %v times among 20,000", few, many)
	}
}
