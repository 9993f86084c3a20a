package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// Timing asks whether the time of an answer tells an unknown user from a wrong password.
type Timing struct {
	Samples int           // of each
	Cost    int           // of bcrypt
	Pause   time.Duration // between two requests: slow checks that fail get a tenth of a core, and beyond that no check at all
}

// TimingResult are the samples, in microseconds.
type TimingResult struct {
	Timing
	Unknown, Wrong []float64
	Busy           int // answers that came without a check, and count for nothing
}

// RunTiming takes the samples, in random order on one connection.
func RunTiming(ctx context.Context, o Options, t Timing) (*TimingResult, error) {
	if err := o.stayOnLoadCore(); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(1, scenario.Plain)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(tenants[0].Password), t.Cost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	tenants[0].Hash = string(hash)
	s, err := build(ctx, o, rivals.Setting{Tenants: tenants, Connections: 64})
	if err != nil {
		return nil, err
	}
	defer s.takeDown()
	result := &TimingResult{Timing: t}
	one := &client{addr: s.running.Setting.Listen}
	defer one.close()
	for n := 0; len(result.Unknown) < t.Samples || len(result.Wrong) < t.Samples; n++ {
		unknown := rand.IntN(2) == 0
		if unknown && len(result.Unknown) == t.Samples || !unknown && len(result.Wrong) == t.Samples {
			unknown = !unknown
		}
		// The names are equally long, and no credential comes twice.
		user := tenants[0].User
		if unknown {
			user = fmt.Sprintf("%0*d", len(user), n)
		}
		request := payload.Push("gateway.example", payload.Basic(user, fmt.Sprintf("wrong-password-%012d", n)), []byte("body"))
		status, took, err := one.send(request)
		switch {
		case err != nil:
			return nil, fmt.Errorf("sample %d: %w", n, err)
		case status == http.StatusServiceUnavailable:
			if result.Busy++; result.Busy > t.Samples {
				return nil, errors.New("most answers came without a check: want a longer -pause")
			}
		case status != http.StatusUnauthorized:
			return nil, fmt.Errorf("sample %d was answered %d: want 401", n, status)
		case unknown:
			result.Unknown = append(result.Unknown, micros(took))
		default:
			result.Wrong = append(result.Wrong, micros(took))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(t.Pause):
		}
	}
	return result, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

const (
	significant = 0.01 // of the rank sum: less is a difference
	dudect      = 4.5  // of Welch's t: more is a difference
	cropped     = 0.95 // what is left for Welch's test
)

// Write writes the result with what two tests say of it.
func (r *TimingResult) Write(w io.Writer) {
	fmt.Fprintf(w, "\nunknown user and wrong password, bcrypt of cost %d, %d samples each (%d answers without a check left out)\n", r.Cost, r.Samples, r.Busy)
	fmt.Fprintf(w, "  %-16s %10s %10s %10s\n", "", "median µs", "mean µs", "σ µs")
	for _, row := range []struct {
		name string
		list []float64
	}{{"unknown user", r.Unknown}, {"wrong password", r.Wrong}} {
		mean, variance := moments(row.list)
		fmt.Fprintf(w, "  %-16s %10.1f %10.1f %10.1f\n", row.name, report.Median(row.list), mean, math.Sqrt(variance))
	}
	z, p := rankSum(r.Unknown, r.Wrong)
	fmt.Fprintf(w, "  Mann–Whitney U, two-sided, all samples: z = %.2f, p = %.3f: %s\n", z, p, told(p < significant))
	t := welch(crop(r.Unknown, r.Wrong, cropped))
	fmt.Fprintf(w, "  Welch's t as in dudect, below the %.0fth percentile: t = %.2f: %s\n", 100*cropped, t, told(math.Abs(t) > dudect))
}

func told(apart bool) string {
	if apart {
		return "they differ"
	}
	return "indistinguishable"
}
