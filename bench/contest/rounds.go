package contest

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// rounds lets the field of a scenario take its rounds: first the closed loop, which finds the most each can do, then the
// open loop at a rate made from that. What fails is noted in skipped.
func (c *Contest) rounds(ctx context.Context, s scenario.Scenario, field []*contestant, skipped map[string]string) error {
	if s.Idle {
		return c.turn(ctx, s, field, skipped, 1, load.Once)
	}
	if err := c.turn(ctx, s, field, skipped, c.o.Rounds, load.Closed); err != nil {
		return err
	}
	setRates(field)
	return c.turn(ctx, s, field, skipped, c.o.Rounds, load.Open)
}

func (c *Contest) turn(ctx context.Context, s scenario.Scenario, field []*contestant, skipped map[string]string, rounds int, pace load.Pace) error {
	for round := range rounds {
		for _, one := range field {
			c.progress.step(s.Name, one.result.Name, fmt.Sprintf("%s loop, round %d of %d", pace, round+1, rounds))
			if one.out || (pace == load.Open && one.variant.HashesEachTime(s)) {
				continue // A latency at ten requests a second has no 99th percentile worth its name.
			}
			retakes := c.o.Retakes
			if pace == load.Once {
				retakes = 0 // memory does not mind
			}
			m, err := undisturbed(retakes, func() (report.Measurement, error) { return c.round(ctx, s, one, pace) })
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				one.out = true
				skipped[one.result.Name] = fmt.Sprintf("%s loop, round %d: %v", pace, round+1, err)
				continue
			}
			switch pace {
			case load.Closed:
				one.result.Closed = append(one.result.Closed, m)
			case load.Open:
				one.result.Open = append(one.result.Open, m)
			case load.Once:
				one.result.Idle = append(one.result.Idle, m)
			}
		}
	}
	return nil
}

// undisturbed measures again what something else disturbed, up to a number of times, and returns the least disturbed
// measurement. Whether it was good or bad for the one measured has no part in it.
func undisturbed(retakes int, measure func() (report.Measurement, error)) (report.Measurement, error) {
	best, err := measure()
	taken := 0
	for err == nil && best.Noise > report.Quiet && taken < retakes {
		taken++
		var m report.Measurement
		if m, err = measure(); m.Noise < best.Noise {
			best = m
		}
	}
	best.Retakes = taken
	return best, err
}

// idleWindow is how long idle connections are left alone before memory is read: Go's garbage collector and the proxies'
// own timers have come round by then.
const idleWindow = 5 * time.Second

// slowWindow is the shortest round of a subject that hashes a password on every request: twenty a second.
const slowWindow = 2 * time.Second

// round is one round of one subject, which is started for it when none is to wait.
func (c *Contest) round(ctx context.Context, s scenario.Scenario, one *contestant, pace load.Pace) (report.Measurement, error) {
	if one.restart != nil {
		if err := one.restart(ctx); err != nil {
			return report.Measurement{}, err
		}
		defer one.stop()
	}
	o := one.order
	o.Pace = pace
	switch {
	case pace == load.Once:
		o.Window = max(o.Window, idleWindow)
		o.Grace = 30 * time.Second
	case one.variant.HashesEachTime(s):
		o.Window = max(o.Window, slowWindow)
	case s.Many():
		o.Warmup *= 5 // Thousands of connections to the upstream are opened in it.
	}
	if pace != load.Closed || one.running == nil || !one.variant.HasGoMetrics() {
		return c.worker.measure(ctx, o)
	}
	before, unreadable := readMallocs(ctx, one.running)
	m, err := c.worker.measure(ctx, o)
	if err != nil || unreadable != nil {
		return m, err // Over TLS, or an older program: the column stays empty.
	}
	after, unreadable := readMallocs(ctx, one.running)
	if count, ok := after.since(before); unreadable == nil && ok && m.Total > 0 {
		m.HasGo, m.Allocs = true, count/float64(m.Total)
	}
	return m, nil
}

// setRates gives each subject the rate of its open loop: half of the most that headgate can do, the same for all, so that
// latencies can be compared; a subject that cannot do twice as much gets half of its own most. Without headgate, half of
// the most of the slowest is the measure.
func setRates(field []*contestant) {
	most := func(one *contestant) float64 {
		var list []float64
		for _, m := range one.result.Closed {
			list = append(list, m.Throughput)
		}
		return report.Median(list)
	}
	common := 0.0
	for _, one := range field {
		if one.result.Name == "headgate" || one.result.Name == rivals.PlainMethod {
			common = most(one) / 2
		}
	}
	if common == 0 {
		for _, one := range field {
			if half := most(one) / 2; half > 0 && (common == 0 || half < common) {
				common = half
			}
		}
	}
	for _, one := range field {
		one.order.Rate = min(common, most(one)/2)
		if one.order.Rate <= 0 {
			one.out = true
		}
	}
}
