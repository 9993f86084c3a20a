package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// AutoInt is a number that may be "auto". Value is what auto amounts to once the
// configuration is loaded.
type AutoInt struct {
	Value int
	Auto  bool
}

// UnmarshalTOML reads the value of a key.
func (n *AutoInt) UnmarshalTOML(v any) error {
	if v == "auto" {
		*n = AutoInt{Auto: true}
		return nil
	}
	value, ok := v.(int64)
	switch {
	case !ok:
		return errors.New("is " + kindOf(v) + `; want an integer, or "auto"`)
	case value < 0 || value > math.MaxInt32:
		return fmt.Errorf(`is out of range; want 0 to %d, or "auto"`, math.MaxInt32)
	}
	*n = AutoInt{Value: int(value)}
	return nil
}

// MarshalTOML writes what the number amounts to.
func (n AutoInt) MarshalTOML() ([]byte, error) { return []byte(strconv.Itoa(n.Value)), nil }
