package config

import (
	"errors"
	"time"
)

// Date is a moment, written 2027-01-01T00:00:00Z without quotes. The zero Date is
// none.
type Date struct{ Time time.Time }

// UnmarshalTOML reads the value of a key.
func (d *Date) UnmarshalTOML(v any) error {
	const want = "want a date with its time and zone and without quotes, such as 2027-01-01T00:00:00Z"
	date, ok := v.(time.Time)
	if !ok {
		return errors.New("is " + kindOf(v) + "; " + want)
	}
	// What has no zone would mean another moment on another machine.
	switch date.Location().String() {
	case "datetime-local", "date-local", "time-local":
		return errors.New("has no time or no zone; " + want)
	}
	if date.IsZero() {
		return errors.New("is no moment that anything can begin or end at; " + want)
	}
	*d = Date{date.UTC()}
	return nil
}

// String is the date as a configuration file has it, or nothing for none.
func (d Date) String() string {
	if d.Time.IsZero() {
		return ""
	}
	return d.Time.Format(time.RFC3339Nano)
}

// MarshalTOML writes the date as a configuration file has it.
func (d Date) MarshalTOML() ([]byte, error) { return []byte(d.String()), nil }
