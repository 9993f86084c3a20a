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
	if !c.Log.Access.Enabled && (c.Log.Access.Query || c.Log.Access.Sample != 1) {
		on.warnf("log.access.enabled", "is false, and so only failures are logged, whatever else [log.access] says of successes; want true")
	}
}
