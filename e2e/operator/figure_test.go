package operator

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// figure is a number as people read it: digits in groups, and a unit.
var figure = regexp.MustCompile(`^(<)?\s*(\d+)(?:\.(\d+))?\s*([a-zA-Zµ]*)$`)

var units = map[string]float64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "ms": 1e-3}

// says reports how a text and a value differ, beyond what the text leaves out
// of the value's digits.
func says(text string, value float64) error {
	text = strings.NewReplacer("\u202f", "", "\u00a0", " ").Replace(text)
	if text == "–" && value == 0 {
		return nil
	}
	parts := figure.FindStringSubmatch(text)
	unit, known := 0.0, false
	if parts != nil {
		unit, known = units[parts[4]]
	}
	if !known {
		return fmt.Errorf("%q is no figure, want %g", text, value)
	}
	shown, err := strconv.ParseFloat(parts[2]+"."+parts[3]+"0", 64)
	if err != nil {
		return err
	}
	if parts[1] == "<" {
		if value > 0 && value < shown {
			return nil
		}
		return fmt.Errorf("%q, want %g", text, value)
	}
	if last := math.Pow(10, -float64(len(parts[3]))); math.Abs(shown-value/unit) > last/2*1.001 {
		return fmt.Errorf("%q, want %g", text, value)
	}
	return nil
}

// lasts reports how a text and a length of time differ by more than the page
// may be old.
func lasts(text string, seconds float64) error {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err == nil && math.Abs(d.Seconds()-seconds) > 10 {
		err = fmt.Errorf("%q, want %gs", text, seconds)
	}
	return err
}

func TestFiguresAreCompared(t *testing.T) {
	for _, tc := range []struct {
		text  string
		value float64
		same  bool
	}{
		{"0", 0, true}, {"–", 0, true}, {"–", 1, false}, {"< 0.1", 0.05, true}, {"< 0.1", 0, false}, {"< 0.1", 0.2, false},
		{"1.5", 1.549, true}, {"1.5", 1.56, false}, {"1\u202f234", 1234, true}, {"1\u202f234", 1235, false},
		{"5.4\u00a0ms", 0.00543, true}, {"5.4\u00a0ms", 5.4, false}, {"3.3\u00a0KiB", 3.31 * 1024, true}, {"in use", 1, false},
	} {
		if err := says(tc.text, tc.value); (err == nil) != tc.same {
			t.Errorf("%q and %g: %v", tc.text, tc.value, err)
		}
	}
}
