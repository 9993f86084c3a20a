package config

import (
	"errors"
	"math"
	"strings"
	"time"
)

// Duration is a length of time, written "5s", "2m30s" or "1h". Zero, written "0s"
// or 0, means no limit unless the key says otherwise. It is never negative.
type Duration time.Duration

// OptDuration is a Duration that may be left out, which is also written "". What
// that stands for depends on the key.
type OptDuration struct {
	Value time.Duration
	Set   bool // false: left out
}

// AutoDuration is a Duration that may be "auto". Value is what auto amounts to
// once the configuration is loaded.
type AutoDuration struct {
	Value time.Duration
	Auto  bool
}

// UnmarshalTOML reads the value of a key.
func (d *Duration) UnmarshalTOML(v any) error {
	value, err := parseDuration(v)
	*d = Duration(value)
	return err
}

// UnmarshalTOML reads the value of a key.
func (d *OptDuration) UnmarshalTOML(v any) error {
	if v == "" {
		*d = OptDuration{}
		return nil
	}
	value, err := parseDuration(v)
	*d = OptDuration{Value: value, Set: err == nil}
	return err
}

// UnmarshalTOML reads the value of a key.
func (d *AutoDuration) UnmarshalTOML(v any) error {
	if v == "auto" {
		*d = AutoDuration{Auto: true}
		return nil
	}
	value, err := parseDuration(v)
	*d = AutoDuration{Value: value}
	if err != nil {
		return errors.New(err.Error() + `, or "auto"`)
	}
	return nil
}

func (d Duration) String() string { return formatDuration(time.Duration(d)) }

// MarshalText writes the duration as a configuration file has it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalText writes the duration, or nothing when it is left out.
func (d OptDuration) MarshalText() ([]byte, error) {
	if !d.Set {
		return []byte{}, nil
	}
	return []byte(formatDuration(d.Value)), nil
}

// MarshalText writes what the duration amounts to.
func (d AutoDuration) MarshalText() ([]byte, error) { return []byte(formatDuration(d.Value)), nil }

// or is the duration, or that one when it is left out.
func (d OptDuration) or(that time.Duration) time.Duration {
	if d.Set {
		return d.Value
	}
	return that
}

func parseDuration(v any) (time.Duration, error) {
	if v == int64(0) {
		return 0, nil
	}
	text, ok := v.(string)
	if !ok {
		return 0, errors.New(`is ` + kindOf(v) + `; want a duration with its unit, such as "5s" or "2m30s"`)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New(`is not a duration; want one such as "5s", "2m30s" or "1h"`)
	}
	if d < 0 {
		return 0, errors.New(`is negative; want a duration such as "5s", or "0s"`)
	}
	return d, nil
}

// formatDuration leaves out the trailing zeros of time.Duration: "6m", not "6m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// longer adds two durations without running over the end.
func longer(d, by time.Duration) time.Duration {
	if d > math.MaxInt64-by {
		return math.MaxInt64
	}
	return d + by
}
