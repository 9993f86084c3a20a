package convert

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("not a duration")

// parseDuration reads a duration as the gateways' documents have them: with a unit, days, weeks and years among them,
// or a bare number of seconds.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return times(seconds, time.Second)
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if count, err := strconv.ParseInt(number, 10, 64); err == nil {
				return times(count, length)
			}
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errDuration
	}
	return d, nil
}

func times(count int64, unit time.Duration) (time.Duration, error) {
	if count < 0 || count > math.MaxInt64/int64(unit) {
		return 0, errDuration
	}
	return time.Duration(count) * unit, nil
}

// formatDuration writes a duration without the zeros that say nothing: "1m" for "1m0s".
func formatDuration(d time.Duration) string {
	text := d.String()
	if cut, ok := strings.CutSuffix(text, "m0s"); ok {
		text = cut + "m"
	}
	if cut, ok := strings.CutSuffix(text, "h0m"); ok {
		text = cut + "h"
	}
	return text
}
