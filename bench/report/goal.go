package report

import (
	"fmt"
	"io"

	"github.com/headgate/headgate/bench/scenario"
)

// goal is a ratio of headgate's CPU per push to the best variant of a rival, and what it is meant to be at most.
type goal struct {
	rival        string
	aim, closing [3]float64 // for the three sizes; aim 0: none beyond closing
}

var (
	goalScenarios = [3]string{"push-1KiB", "push-32KiB", "push-512KiB"}
	goals         = []goal{
		{"haproxy", [3]float64{1.00, 1.00, 1.00}, [3]float64{1.15, 1.15, 1.30}},
		{"nginx", [3]float64{}, [3]float64{0.82, 0.87, 0.90}},
		{"vmauth", [3]float64{}, [3]float64{0.33, 0.20, 0.43}},
	}
)

// p99Goal is the same for the p99 at a fixed rate against HAProxy.
const p99Goal = 1.5

// WriteGoals writes how far headgate is from its goals, for what the run measured of them.
func WriteGoals(w io.Writer, r *Run) {
	head := false
	for size, name := range goalScenarios {
		s, ok := r.find(name)
		if !ok {
			continue
		}
		ours, ok := s.Find("headgate")
		if !ok {
			continue
		}
		for _, g := range goals {
			_, least, found := s.Best(g.rival, ByCPU)
			cpu := Summarize(ours).CPU
			if !found || cpu == 0 {
				continue
			}
			if !head {
				fmt.Fprintf(w, "\nGoals: CPU per push, and p99 at the fixed rate, against the best variant\n")
				head = true
			}
			fmt.Fprintf(w, "  %-12s %-8s CPU %5.2f, want ≤ %.2f: %s\n", name, g.rival, cpu/least, g.closing[size], verdict(cpu/least, g.aim[size], g.closing[size]))
		}
		// Of the same variant: the least of four p99, at the lower rates of slower variants too, would be whose luck was best.
		if best, _, found := s.Best("haproxy", ByCPU); found && Summarize(ours).P99 > 0 && Summarize(best).P99 > 0 {
			ratio := Summarize(ours).P99 / Summarize(best).P99
			fmt.Fprintf(w, "  %-12s %-8s p99 %5.2f, want ≤ %.2f: %s (%s)\n", name, "haproxy", ratio, p99Goal, verdict(ratio, 0, p99Goal), best.Name)
		}
	}
}

// seriesGoals are what a subject of a series may cost more than the first one.
var seriesGoals = map[scenario.Series]float64{scenario.ByMethod: 1.07, scenario.ByTenants: 1.05}

// writeSeries compares the subjects of a series with the first one.
func writeSeries(w io.Writer, s Scenario) {
	if len(s.Subjects) == 0 {
		return
	}
	first := s.Subjects[0]
	base, most := Summarize(first).CPU, seriesGoals[s.Series]
	for _, subject := range s.Subjects[1:] {
		if cpu := Summarize(subject).CPU; cpu > 0 && base > 0 {
			fmt.Fprintf(w, "  CPU of %s / %s: %.3f, want ≤ %.2f: %s\n", subject.Name, first.Name, cpu/base, most, verdict(cpu/base, 0, most))
		}
	}
}

func verdict(ratio, aim, closing float64) string {
	switch {
	case aim > 0 && ratio <= aim:
		return "reached, the aim too"
	case ratio <= closing:
		return "reached"
	default:
		return fmt.Sprintf("missed by %.0f %%", 100*(ratio/closing-1))
	}
}

func (r *Run) find(name string) (Scenario, bool) {
	for _, s := range r.Scenarios {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}
