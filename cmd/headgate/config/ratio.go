package config

import (
	"errors"
	"strconv"
)

// Ratio is a part of something, from 0 to 1.
type Ratio float64

// UnmarshalTOML reads the value of a key.
func (r *Ratio) UnmarshalTOML(v any) error {
	var value float64
	switch v := v.(type) {
	case float64:
		value = v
	case int64:
		value = float64(v)
	default:
		return errors.New("is " + kindOf(v) + "; want a part, such as 0.25")
	}
	if !(value >= 0 && value <= 1) { // nor what is not a number
		return errors.New("is not a part; want 0.0 (none) to 1.0 (all)")
	}
	*r = Ratio(value)
	return nil
}

// MarshalTOML writes the ratio as a TOML float.
func (r Ratio) MarshalTOML() ([]byte, error) {
	text := strconv.FormatFloat(float64(r), 'f', -1, 64)
	if r == 0 || r == 1 {
		text += ".0"
	}
	return []byte(text), nil
}
