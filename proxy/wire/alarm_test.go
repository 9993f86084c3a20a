package wire

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestAnAlarmIsNeverEarlyAndAtMostAnEighthLate asks for deadlines at random times and compares when each would fire with
// when it should.
func TestAnAlarmIsNeverEarlyAndAtMostAnEighthLate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	durations := []time.Duration{1, 7, 8, 9, time.Microsecond, time.Millisecond, 250 * time.Millisecond, 8 * time.Second, 6 * time.Minute, 24 * time.Hour}
	var a alarm
	var connection time.Time // what the connection was last told
	now := time.Unix(1e9, 0)
	changes := 0
	const asked = 200_000
	for range asked {
		d := durations[random.IntN(len(durations))]
		if random.IntN(4) > 0 {
			d = 8 * time.Second // mostly the same one, as in life
		}
		at, set := a.due(now, d)
		if set {
			connection = at
			changes++
		}
		if !at.Equal(connection) {
			t.Fatalf("the alarm says %v, the connection was told %v", at, connection)
		}
		if fires := connection.Sub(now); fires < d || fires > d+d/8 {
			t.Fatalf("asked for %v, fires after %v", d, fires)
		}
		now = now.Add(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
	}
	if changes == asked {
		t.Error("every call sets a timer, which is what an alarm is there to avoid")
	}
}

func TestAnAlarmIsSetOnceForManyCallsInARow(t *testing.T) {
	var a alarm
	now := time.Unix(1e9, 0)
	changes := 0
	for range 1000 { // a second of pushes
		if _, set := a.due(now, 8*time.Second); set {
			changes++
		}
		now = now.Add(time.Millisecond)
	}
	if changes != 1 {
		t.Errorf("set %d times in a second, want once", changes)
	}
}

func TestNoLimitTakesAnAlarmAway(t *testing.T) {
	var a alarm
	now := time.Unix(1e9, 0)
	if at, set := a.due(now, 0); set || !at.IsZero() {
		t.Errorf("without a limit before: %v, %v", at, set)
	}
	a.due(now, time.Second)
	if at, set := a.due(now, 0); !set || !at.IsZero() {
		t.Errorf("without a limit after one: %v, %v", at, set)
	}
	if _, set := a.due(now, 0); set {
		t.Error("taken away twice")
	}
	if at, set := a.due(now, time.Second); !set || at.Sub(now) < time.Second {
		t.Errorf("with a limit again: %v, %v", at, set)
	}
}

func TestAnAlarmInThePastIsSetAnew(t *testing.T) {
	var a alarm
	now := time.Unix(1e9, 0)
	a.due(now, time.Second)
	now = now.Add(time.Hour)
	if at, set := a.due(now, time.Second); !set || at.Before(now.Add(time.Second)) {
		t.Errorf("%v, %v", at.Sub(now), set)
	}
}
