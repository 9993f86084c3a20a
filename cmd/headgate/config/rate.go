package config

import (
	"errors"
	"math"
	"strconv"
)

// Rate is so many in a second, written as an integer or a float. It is finite and
// never negative.
type Rate float64

// UnmarshalTOML reads the value of a key.
func (r *Rate) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		*r = Rate(v)
	case float64:
		*r = Rate(v)
	default:
		return errors.New("is " + kindOf(v) + "; want a number, such as 100 or 0.5")
	}
	if !(*r >= 0) || math.IsInf(float64(*r), 0) {
		*r = 0
		return errors.New("is out of range; want 0 or more")
	}
	return nil
}

// MarshalTOML writes the rate as a float.
func (r Rate) MarshalTOML() ([]byte, error) {
	text := strconv.FormatFloat(float64(r), 'f', -1, 64)
	if math.Trunc(float64(r)) == float64(r) {
		text += ".0"
	}
	return []byte(text), nil
}
