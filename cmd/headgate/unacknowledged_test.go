package main

import (
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
)

func TestTheKernelWaitsNoLessThanTheTimeouts(t *testing.T) {
	const distributor = "[upstreams.distributor]\nurls = [\"http://127.0.0.1:1\"]\n"
	for _, c := range []struct {
		name, config string
		upstream     string
		idle         time.Duration // of a pool of its own
		want         time.Duration
	}{
		{"the defaults of pushes", distributor, "distributor", 0, 10 * time.Second},
		{"a longer write_timeout", distributor + "write_timeout = \"20s\"\n", "distributor", 0, 20 * time.Second},
		{"a longer read_timeout of pushes", distributor + "read_timeout = \"22s\"\n", "distributor", 0, 22 * time.Second},
		{"no write_timeout", distributor + "write_timeout = \"0s\"\ntimeout = \"40s\"\n", "distributor", 0, 40 * time.Second},
		{"no limit at all", distributor + "write_timeout = \"0s\"\ntimeout = \"0s\"\n", "distributor", 0, 24 * time.Hour},
		{
			"a route's own", distributor + "[[routes]]\npath = \"/api/v1/push\"\nupstream = \"distributor\"\nwrite_timeout = \"23s\"\n",
			"distributor", 0, 23 * time.Second,
		},
		{
			"a route with connections of its own", distributor +
				"[[routes]]\npath = \"/api/v1/push\"\nupstream = \"distributor\"\nidle_timeout = \"7s\"\nwrite_timeout = \"23s\"\n",
			"distributor", 7 * time.Second, 23 * time.Second,
		},
		{"the answer of a query may take two minutes", "[upstreams.query-frontend]\nurls = [\"http://127.0.0.1:1\"]\n", "query-frontend", 0, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, problems := config.Parse("headgate.toml", []byte(c.config), config.Options{})
			if cfg == nil || problems.Errors() > 0 {
				t.Fatal(problems)
			}
			if got := unacknowledged(cfg.RouteTable(), poolKey{upstream: c.upstream, idle: c.idle}); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
