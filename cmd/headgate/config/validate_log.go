package config

import "slices"

func (c *Config) validateLog(on *checks) {
	levels, formats := []string{"debug", "info", "warn", "error"}, []string{"json", "logfmt"}
	if !slices.Contains(levels, c.Log.Level) {
		on.errorf("log.level", "%s", notOneOf("level", c.Log.Level, levels))
	}
	if !slices.Contains(formats, c.Log.Format) {
		on.errorf("log.format", "%s", notOneOf("format", c.Log.Format, formats))
	}
}
