package report

import "slices"

// Summary is a subject's rounds in one line: medians, unless said otherwise.
type Summary struct {
	Throughput float64
	CPU        float64 // closed loop
	Kernel     float64 // the part of CPU that is the kernel's, closed loop
	Spread     float64 // of CPU: the difference between the most and the least of the rounds, as a part of the median
	Busy       float64
	OtherBusy  float64
	OtherCPU   float64 // of load and upstream, per request
	Rate       float64
	OpenCPU    float64 // at Rate
	P50        float64
	P99        float64
	P999       float64
	RSS        float64 // MB, the most of all rounds
	Allocs     float64
	HasAllocs  bool
	Noise      float64 // the most of all rounds
	Failed     int64   // refused, failed and unfinished in all rounds
}

// Summarize makes the summary of a subject.
func Summarize(s Subject) Summary {
	cpu := values(s.Closed, func(m Measurement) float64 { return m.CPU })
	sum := Summary{
		Throughput: Median(values(s.Closed, func(m Measurement) float64 { return m.Throughput })),
		CPU:        Median(cpu),
		Kernel:     Median(values(s.Closed, func(m Measurement) float64 { return m.Kernel })),
		Spread:     spread(cpu),
		Busy:       Median(values(s.Closed, func(m Measurement) float64 { return m.Busy })),
		OtherBusy:  Median(values(s.Closed, func(m Measurement) float64 { return m.OtherBusy })),
		OtherCPU:   Median(values(s.Closed, func(m Measurement) float64 { return m.OtherCPU })),
		Rate:       Median(values(s.Open, func(m Measurement) float64 { return m.Rate })),
		OpenCPU:    Median(values(s.Open, func(m Measurement) float64 { return m.CPU })),
		P50:        Median(values(s.Open, func(m Measurement) float64 { return m.P50 })),
		P99:        Median(values(s.Open, func(m Measurement) float64 { return m.P99 })),
		P999:       Median(values(s.Open, func(m Measurement) float64 { return m.P999 })),
	}
	var allocs []float64
	for _, m := range slices.Concat(s.Closed, s.Open, s.Idle) {
		sum.Noise = max(sum.Noise, m.Noise)
		sum.RSS = max(sum.RSS, float64(m.RSS)/1e6)
		sum.Failed += m.Refused + m.Failures + m.Unfinished
		if m.HasGo {
			allocs = append(allocs, m.Allocs)
		}
	}
	sum.HasAllocs, sum.Allocs = len(allocs) > 0, Median(allocs)
	return sum
}

func values(rounds []Measurement, of func(Measurement) float64) []float64 {
	list := make([]float64, 0, len(rounds))
	for _, m := range rounds {
		list = append(list, of(m))
	}
	return list
}

// Median returns the middle of some values, the mean of the two in the middle for an even number, 0 for none. It leaves the
// order of the slice alone.
func Median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func spread(list []float64) float64 {
	if len(list) == 0 || Median(list) == 0 {
		return 0
	}
	return (slices.Max(list) - slices.Min(list)) / Median(list)
}

// Best returns the subject of a proxy with the least of a quantity above 0; false when none has it.
func (s Scenario) Best(proxy string, of func(Summary) float64) (Subject, float64, bool) {
	var best Subject
	least, found := 0.0, false
	for _, subject := range s.Subjects {
		value := of(Summarize(subject))
		if subject.Proxy != proxy || value <= 0 {
			continue
		}
		if !found || value < least {
			best, least, found = subject, value, true
		}
	}
	return best, least, found
}

// Find returns the subject with a name; false when it was not measured.
func (s Scenario) Find(name string) (Subject, bool) {
	for _, subject := range s.Subjects {
		if subject.Name == name {
			return subject, true
		}
	}
	return Subject{}, false
}

// Quantities to compare.
var (
	ByCPU = func(s Summary) float64 { return s.CPU }
	ByP99 = func(s Summary) float64 { return s.P99 }
	ByRSS = func(s Summary) float64 { return s.RSS }
)
