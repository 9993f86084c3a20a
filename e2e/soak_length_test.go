package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// soakLength returns how long a story goes on: SOAK from the environment, a
// duration such as 5m, or short, which fits into a CI run.
func soakLength(t *testing.T, short time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return short
	}
	long, err := time.ParseDuration(text)
	if err != nil || long <= 0 {
		t.Fatalf("SOAK=%q: want a duration such as 5m", text)
	}
	return long
}

// seeded returns a random source and prints its seed; SEED in the environment
// repeats a run, as far as real processes can be repeated.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64N(1_000_000)
	if text := os.Getenv("SEED"); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SEED=%q: want a number", text)
		}
		seed = given
	}
	t.Logf("repeat with SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
