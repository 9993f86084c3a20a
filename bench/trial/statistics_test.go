package trial

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-3 }

// The values are those of other programs: R's wilcox.test(exact = FALSE, correct = FALSE) and t.test.
func TestStatisticsOfKnownSamples(t *testing.T) {
	a, b := []float64{1.1, 2.2, 3.3, 4.4}, []float64{0.5, 1.1, 2.5, 2.6, 5.0}
	// Ranks of a: 2.5, 4, 7, 8: 21.5, so U = 11.5; mean 10, variance 20/12·(10 − 6/72).
	z, p := rankSum(a, b)
	if want := 1.5 / math.Sqrt(20.0/12*(10-6.0/72)); !near(z, want) || !near(p, math.Erfc(want/math.Sqrt2)) {
		t.Errorf("z %.4f, p %.4f; want %.4f", z, p, want)
	}
	if got, want := welch([]float64{1, 2, 3}, []float64{2, 4, 6}), -2/math.Sqrt(1.0/3+4.0/3); !near(got, want) {
		t.Errorf("t %.4f, want %.4f", got, want)
	}
	if z, p := rankSum([]float64{1, 1}, []float64{1, 1, 1}); z != 0 || p != 1 {
		t.Errorf("samples that are all equal: z %g, p %g", z, p)
	}
	if got := welch([]float64{1, 1}, []float64{1, 1}); got != 0 {
		t.Errorf("samples without a deviation: t %g", got)
	}
}

// A difference of a tenth of the deviation is found in 20,000 samples of each, and none where there is none.
func TestStatisticsTellSamplesApart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sample := func(shift float64) []float64 {
		list := make([]float64, 20_000)
		for i := range list {
			list[i] = math.Exp(random.NormFloat64()) + shift
		}
		return list
	}
	same, alike, other := sample(0), sample(0), sample(0.1)
	if _, p := rankSum(same, alike); p < significant {
		t.Errorf("equal distributions: p = %g", p)
	}
	if _, p := rankSum(same, other); p >= significant {
		t.Errorf("shifted distributions: p = %g", p)
	}
	if got := welch(crop(same, alike, cropped)); math.Abs(got) > dudect {
		t.Errorf("equal distributions: t = %g", got)
	}
	if got := welch(crop(same, other, cropped)); math.Abs(got) <= dudect {
		t.Errorf("shifted distributions: t = %g", got)
	}
}

func TestCrop(t *testing.T) {
	a, b := crop([]float64{1, 2, 100}, []float64{3, 4, 5, 6, 7, 8, 9}, 0.8)
	if len(a) != 2 || len(b) != 7 {
		t.Errorf("%v and %v", a, b)
	}
}

func TestMomentsOfAColdStart(t *testing.T) {
	r := &ColdStartResult{Clients: 4, Moments: []time.Duration{1, 2, 3}}
	for part, want := range map[float64]time.Duration{0.25: 1, 0.5: 2, 0.75: 3, 1: 0} {
		if got := r.at(part); got != want {
			t.Errorf("%g of the clients at %d, want %d", part, got, want)
		}
	}
}

func TestOnePasswordIsChanged(t *testing.T) {
	const text = "[[tenants]]\npassword = \"a\"\n[[tenants]]\npassword = \"b\"\n"
	const want = "[[tenants]]\npassword = \"new-password-7\"\n[[tenants]]\npassword = \"b\"\n"
	if got := changePassword(text, 7); got != want {
		t.Errorf("%q", got)
	}
}
