package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Quiet is how much of a core may go elsewhere before a round counts as disturbed: the kernel's own account is no finer.
const Quiet = 0.10

// WriteScenario writes a scenario's table: a line for each subject, then headgate against the best variant of each rival.
func WriteScenario(w io.Writer, s Scenario) {
	fmt.Fprintf(w, "\n%s · %s\n", s.Name, s.Title)
	if s.Idle {
		writeIdle(w, s)
	} else {
		writeBusy(w, s)
	}
	for _, subject := range s.Subjects {
		if text := trouble(subject); text != "" {
			fmt.Fprintf(w, "  ! %s: %s\n", subject.Name, text)
		}
	}
	if noise, name := s.noisiest(); noise > Quiet {
		fmt.Fprintf(w, "  ~ something else took up to %.0f%% of a core meanwhile (%s): measure again on a quiet machine\n", 100*noise, name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Skipped)) {
		fmt.Fprintf(w, "  - %s: %s\n", name, s.Skipped[name])
	}
}

func writeBusy(w io.Writer, s Scenario) {
	fmt.Fprintf(w, "  %-17s %9s %8s %8s %4s %5s %6s %8s │ %9s %7s %8s %8s │ %7s %7s\n", "", "max/s", "CPU µs", "kernel", "±%", "core",
		"others", "µs", "rate/s", "p50 µs", "p99 µs", "p99.9 µs", "RSS MB", "allocs")
	for _, subject := range s.Subjects {
		sum := Summarize(subject)
		fmt.Fprintf(w, "  %-17s %9.0f %8s %8s %4s %5s %6s %8.1f │ %9s %7s %8s %8s │ %7s %7s\n", subject.Name, sum.Throughput,
			number("%.1f", sum.CPU), number("%.1f", sum.CPU*sum.Kernel), number("%.0f", 100*sum.Spread/2), percent(sum.Busy), percent(sum.OtherBusy), sum.OtherCPU,
			number("%.0f", sum.Rate), number("%.0f", sum.P50), number("%.0f", sum.P99), number("%.0f", sum.P999),
			number("%.1f", sum.RSS), allocs(sum))
	}
	if s.Series != "" {
		writeSeries(w, s)
		return
	}
	if line := ratios(s, ByCPU, ByCPU); line != "" {
		fmt.Fprintf(w, "  CPU of headgate / best of each: %s\n", line)
	}
	if line := ratios(s, ByCPU, ByP99); line != "" {
		fmt.Fprintf(w, "  p99 of headgate / that of the same: %s\n", line)
	}
}

func writeIdle(w io.Writer, s Scenario) {
	fmt.Fprintf(w, "  %-17s %8s %17s\n", "", "RSS MB", "KB per connection")
	for _, subject := range s.Subjects {
		sum := Summarize(subject)
		if sum.RSS == 0 {
			continue
		}
		fmt.Fprintf(w, "  %-17s %8.1f %17.1f\n", subject.Name, sum.RSS, 1000*sum.RSS/float64(s.Connections))
	}
	if line := ratios(s, ByRSS, ByRSS); line != "" {
		fmt.Fprintf(w, "  RSS of headgate / best of each: %s\n", line)
	}
}

// ratios compares headgate's quantity with that of each rival's best variant, which is the one with the least of another.
func ratios(s Scenario, by, of func(Summary) float64) string {
	ours, ok := s.Find("headgate")
	if !ok || of(Summarize(ours)) == 0 {
		return ""
	}
	var parts []string
	for _, proxy := range s.rivals() {
		if best, _, found := s.Best(proxy, by); found && of(Summarize(best)) > 0 {
			parts = append(parts, ratio(of(Summarize(ours))/of(Summarize(best)))+" "+best.Name)
		}
	}
	return strings.Join(parts, " · ")
}

// ratio writes a ratio with two digits behind the point, or one that matters.
func ratio(r float64) string {
	if r < 0.01 {
		return fmt.Sprintf("%.1g", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// noisiest returns the subject during whose rounds most else went on.
func (s Scenario) noisiest() (noise float64, name string) {
	for _, subject := range s.Subjects {
		if sum := Summarize(subject); sum.Noise > noise {
			noise, name = sum.Noise, subject.Name
		}
	}
	return noise, name
}

func (s Scenario) rivals() []string {
	var list []string
	for _, subject := range s.Subjects {
		if subject.Proxy != "headgate" && subject.Proxy != Direct && !slices.Contains(list, subject.Proxy) {
			list = append(list, subject.Proxy)
		}
	}
	return list
}

// trouble says in words what went wrong in a subject's rounds; "" when nothing did.
func trouble(s Subject) string {
	var refused, failures, unfinished int64
	first := ""
	for _, m := range slices.Concat(s.Closed, s.Open, s.Idle) {
		refused, failures, unfinished = refused+m.Refused, failures+m.Failures, unfinished+m.Unfinished
		if first == "" {
			first = m.Trouble
		}
	}
	if refused+failures+unfinished == 0 {
		return ""
	}
	text := fmt.Sprintf("%d refused, %d failed, %d not answered in time", refused, failures, unfinished)
	if first != "" {
		text += "; the first: " + first
	}
	return text
}

// number formats a value, and a value that was not measured as a dash.
func number(format string, value float64) string {
	if value == 0 {
		return "–"
	}
	return fmt.Sprintf(format, value)
}

func percent(part float64) string {
	if part == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f%%", 100*part)
}

func allocs(s Summary) string {
	if !s.HasAllocs {
		return "–"
	}
	return fmt.Sprintf("%.2f", s.Allocs)
}

// WriteHead writes what the run ran on.
func WriteHead(w io.Writer, r *Run) {
	fmt.Fprintf(w, "headgate bench · %s · commit %s\n", r.Date.Format("2006-01-02 15:04"), r.Commit)
	fmt.Fprintf(w, "%s, %d cores, %s, Linux %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Memory, r.Machine.Kernel)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(w, "%s: %s\n", name, r.Versions[name])
	}
	fmt.Fprintf(w, "%d rounds in turn, %gs each after %gs of warming up; proxy on core %d, load and upstream on core %d; best of %d starts of HAProxy\n",
		r.Settings.Rounds, r.Settings.Window, r.Settings.Warmup, r.Settings.ProxyCore, r.Settings.LoadCore, r.Settings.Starts)
}
