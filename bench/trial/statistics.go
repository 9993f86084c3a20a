package trial

import (
	"math"
	"slices"
)

// rankSum is the Mann–Whitney U test of two samples, with the correction for ties: the z of the rank sum and the
// probability of one at least so large, on either side, if both samples are of one distribution. It looks at the whole
// distributions and does not mind outliers.
func rankSum(a, b []float64) (z, p float64) {
	type value struct {
		v     float64
		first bool
	}
	all := make([]value, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, value{v, true})
	}
	for _, v := range b {
		all = append(all, value{v, false})
	}
	slices.SortFunc(all, func(x, y value) int {
		switch {
		case x.v < y.v:
			return -1
		case x.v > y.v:
			return 1
		}
		return 0
	})
	n, m := float64(len(a)), float64(len(b))
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		rank := float64(i+j+1) / 2 // the mean of i+1 … j
		for _, v := range all[i:j] {
			if v.first {
				ranks += rank
			}
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	u := ranks - n*(n+1)/2
	total := n + m
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return 0, 1
	}
	z = (u - n*m/2) / math.Sqrt(variance)
	return z, math.Erfc(math.Abs(z) / math.Sqrt2)
}

// welch is the t of Welch's test of two samples: the difference of their means by its standard error.
func welch(a, b []float64) float64 {
	meanA, varianceA := moments(a)
	meanB, varianceB := moments(b)
	deviation := math.Sqrt(varianceA/float64(len(a)) + varianceB/float64(len(b)))
	if deviation == 0 {
		return 0
	}
	return (meanA - meanB) / deviation
}

func moments(list []float64) (mean, variance float64) {
	for _, v := range list {
		mean += v
	}
	mean /= float64(len(list))
	for _, v := range list {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(list)-1)
}

// crop takes away from both samples what lies above a quantile of both together: the machine's own pauses, which say
// nothing and hide what does (dudect does the same).
func crop(a, b []float64, quantile float64) (croppedA, croppedB []float64) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	most := all[min(int(quantile*float64(len(all))), len(all)-1)]
	keep := func(list []float64) []float64 {
		var kept []float64
		for _, v := range list {
			if v <= most {
				kept = append(kept, v)
			}
		}
		return kept
	}
	return keep(a), keep(b)
}
