package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written "16KiB", "100MiB", "1GiB" or as a plain
// integer. It is never negative.
type Size int64

// OptSize is a Size that may be left out, which is also written "".
type OptSize struct {
	Value int64
	Set   bool // false: left out
}

// AutoSize is a Size that may be "auto". Value is what auto amounts to once the
// configuration is loaded.
type AutoSize struct {
	Value int64
	Auto  bool
}

// Binary multiples.
const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

// sizeUnits are the accepted ones, largest first. Decimal units are refused: half
// of those who write "MB" mean MiB.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

var errSize = errors.New(`is not a size; want one such as "16KiB", "100MiB" or "1GiB", or a number of bytes`)

// UnmarshalTOML reads the value of a key.
func (s *Size) UnmarshalTOML(v any) error {
	value, err := parseSize(v)
	*s = Size(value)
	return err
}

// UnmarshalTOML reads the value of a key.
func (s *OptSize) UnmarshalTOML(v any) error {
	if v == "" {
		*s = OptSize{}
		return nil
	}
	value, err := parseSize(v)
	*s = OptSize{Value: value, Set: err == nil}
	return err
}

// UnmarshalTOML reads the value of a key.
func (s *AutoSize) UnmarshalTOML(v any) error {
	if v == "auto" {
		*s = AutoSize{Auto: true}
		return nil
	}
	value, err := parseSize(v)
	*s = AutoSize{Value: value}
	if err != nil {
		return errors.New(err.Error() + `, or "auto"`)
	}
	return nil
}

// MarshalText writes what the size amounts to.
func (s AutoSize) MarshalText() ([]byte, error) { return []byte(formatSize(s.Value)), nil }

func (s Size) String() string { return formatSize(int64(s)) }

// MarshalText writes the size as a configuration file has it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText writes the size, or nothing when it is left out.
func (s OptSize) MarshalText() ([]byte, error) {
	if !s.Set {
		return []byte{}, nil
	}
	return []byte(formatSize(s.Value)), nil
}

func parseSize(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		if v < 0 {
			return 0, errors.New(`is negative; want a number of bytes or a size such as "100MiB"`)
		}
		return v, nil
	case string:
		return parseSizeText(v)
	}
	return 0, errors.New("is " + kindOf(v) + `; want a number of bytes or a size such as "100MiB"`)
}

func parseSizeText(text string) (int64, error) {
	unit := int64(1)
	for _, u := range sizeUnits {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = digits, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > math.MaxInt64/uint64(unit) {
		return 0, errSize
	}
	return int64(n) * unit, nil
}

func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
