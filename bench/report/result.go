// Package report holds what a run measured, and shows it: as JSON, as tables for the terminal, as charts.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/bench/scenario"
)

// Run is everything one run measured, with all that is needed to judge it.
type Run struct {
	Date      time.Time         `json:"date"`
	Commit    string            `json:"commit"` // of the repository; with "-dirty" when files had been changed
	Machine   Machine           `json:"machine"`
	Versions  map[string]string `json:"versions"` // of the proxies, and of Go
	Settings  Settings          `json:"settings"`
	Scenarios []Scenario        `json:"scenarios"`
}

// Settings are how it was measured.
type Settings struct {
	Rounds    int     `json:"rounds"`
	Window    float64 `json:"window_seconds"`
	Warmup    float64 `json:"warmup_seconds"`
	Starts    int     `json:"starts"` // of each HAProxy variant, of which the best is taken
	ProxyCore int     `json:"proxy_core"`
	LoadCore  int     `json:"load_core"` // of the load and the stand-in upstream
}

// Scenario is one scenario with all its subjects.
type Scenario struct {
	scenario.Scenario
	Subjects []Subject         `json:"subjects"`
	Skipped  map[string]string `json:"skipped,omitempty"` // variant → why it was not, or not wholly, measured
}

// Direct is the name and the proxy of the subject that is no proxy: the load sends to the stand-in upstream.
const Direct = "direct"

// Subject is what was measured of one variant.
type Subject struct {
	Name   string        `json:"name"`
	Proxy  string        `json:"proxy"`
	About  string        `json:"about"`
	Closed []Measurement `json:"closed,omitempty"`
	Open   []Measurement `json:"open,omitempty"`
	Idle   []Measurement `json:"idle,omitempty"`
}

// Measurement is one round: what the load saw and what the processes used in the window. Times are microseconds.
type Measurement struct {
	Rate       float64 `json:"rate,omitempty"` // asked for, open loop
	Window     float64 `json:"window_seconds"`
	Requests   int64   `json:"requests"`   // answered in the window
	Total      int64   `json:"total"`      // answered in the whole run
	Throughput float64 `json:"throughput"` // requests a second

	CPU       float64 `json:"cpu_us"`           // of the proxy, per request
	Kernel    float64 `json:"kernel,omitempty"` // the part of CPU that was spent in the kernel, sampled by its clock
	OtherCPU  float64 `json:"other_cpu_us"`     // of load and upstream, per request, without looking in vain for something to do
	Busy      float64 `json:"busy"`             // of the proxy's core, by the proxy: 1 is all of it
	OtherBusy float64 `json:"other_busy"`       // of the other core, by load and upstream, likewise
	Noise     float64 `json:"noise"`            // of a core, by whatever else ran on the two, or was taken by a host

	Retakes int `json:"retakes,omitempty"` // rounds that were disturbed more than this one, and do not count

	P50  float64 `json:"p50_us"`
	P95  float64 `json:"p95_us,omitempty"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
	Late float64 `json:"late_p99_us,omitempty"` // open loop: from due to sent, 99th percentile

	RSS    int64   `json:"rss"`                // bytes, of the proxy with its workers, at the end of the window
	Allocs float64 `json:"allocs,omitempty"`   // per request; Go programs that show it, closed loop
	HasGo  bool    `json:"go_stats,omitempty"` // Allocs was measured

	Unfinished int64  `json:"unfinished,omitempty"`
	Refused    int64  `json:"refused,omitempty"`
	Failures   int64  `json:"failures,omitempty"`
	Reconnects int64  `json:"reconnects,omitempty"`
	Trouble    string `json:"trouble,omitempty"`
}

// Write writes a run as JSON into a folder, named by its date and commit, and returns the file's name.
func (r *Run) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	name := filepath.Join(dir, r.Date.UTC().Format("20060102-1504")+"-"+r.Commit+".json")
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	return name, nil
}

// Read reads what Write wrote.
func Read(name string) (*Run, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var r Run
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read results %s: %w", name, err)
	}
	return &r, nil
}
