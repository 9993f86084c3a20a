package config

import "testing"

// Automatic limits follow what is known of the machine; what is not known limits nothing.
func TestAutomaticLimits(t *testing.T) {
	for _, test := range []struct {
		machine  Machine
		most     int
		buffered int64
	}{
		{Machine{}, 0, 0},
		{Machine{OpenFiles: 1024, Memory: 4 * GiB}, 448, 1 * GiB},
		{Machine{OpenFiles: 65, Memory: 6*MiB - 1}, 1, 1 * MiB},
		{Machine{OpenFiles: 10, Memory: 1}, 1, 1 * MiB},
		{Machine{OpenFiles: 1 << 20, Memory: 10*MiB + 1}, 524000, 2 * MiB},
		{Machine{OpenFiles: 1<<63 - 1}, 1<<31 - 1, 0},
	} {
		c, _ := Parse("config.toml", nil, Options{Env: noEnv, Machine: test.machine})
		if c.Server.MaxConnections.Value != test.most || c.Limits.MaxBuffered.Value != test.buffered {
			t.Errorf("%+v: %d connections and %d bytes, want %d and %d", test.machine,
				c.Server.MaxConnections.Value, c.Limits.MaxBuffered.Value, test.most, test.buffered)
		}
	}
}
