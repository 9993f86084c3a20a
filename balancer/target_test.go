package balancer

import (
	"strings"
	"testing"
)

func TestParseURLReadsEveryKindOfTarget(t *testing.T) {
	tests := []struct {
		raw, scheme string
		want        Target
	}{
		{"http://distributor.example:9009", "http", Target{Name, "distributor.example", 9009}},
		{"http://distributor.example", "http", Target{Name, "distributor.example", 80}},
		{"https://distributor.example", "https", Target{Name, "distributor.example", 443}},
		{"https://distributor.example/", "https", Target{Name, "distributor.example", 443}},
		{"HTTP://Distributor.Example", "http", Target{Name, "distributor.example", 80}},
		{"http://distributor.example.:80", "http", Target{Name, "distributor.example.", 80}},
		{"http://cortex_1-a:80", "http", Target{Name, "cortex_1-a", 80}},
		{"dns+http://distributor:9009", "http", Target{Name, "distributor", 9009}},
		{"dns+https://distributor", "https", Target{Name, "distributor", 443}},
		{"dnssrv+http://_http._tcp.distributor.example", "http", Target{SRV, "_http._tcp.distributor.example", 0}},
		{"dnssrv+https://_https._tcp.distributor.example", "https", Target{SRV, "_https._tcp.distributor.example", 0}},
		{"http://10.0.0.1:9009", "http", Target{Literal, "10.0.0.1", 9009}},
		{"dns+http://10.0.0.1", "http", Target{Literal, "10.0.0.1", 80}},
		{"https://[2001:DB8::1]", "https", Target{Literal, "2001:db8::1", 443}},
		{"http://[::1]:9009", "http", Target{Literal, "::1", 9009}},
		{"http://[fe80::1%25eth0]:9009", "http", Target{Literal, "fe80::1%eth0", 9009}},
		{"http://[::ffff:10.0.0.1]:9009", "http", Target{Literal, "10.0.0.1", 9009}},
	}
	for _, tt := range tests {
		scheme, got, err := ParseURL(tt.raw)
		if err != nil || scheme != tt.scheme || got != tt.want {
			t.Errorf("ParseURL(%q) = %q, %+v, %v; want %q, %+v", tt.raw, scheme, got, err, tt.scheme, tt.want)
		}
	}
}

func TestParseURLSaysWhatIsWanted(t *testing.T) {
	long := strings.Repeat("a", 60) + "."
	tests := []struct{ raw, want string }{
		{"", "scheme is missing"},
		{"distributor:9009", "scheme is missing"},
		{"//distributor:9009", "scheme is missing"},
		{"ftp://distributor", "scheme is unknown; want http, https"},
		{"srv+http://distributor", "scheme is unknown"},
		{"unix:///run/cortex.sock", "scheme is unknown"},
		{"http://", "host is missing"},
		{"http://:9009", "host is missing"},
		{"http:///api", "path is not allowed"},
		{"http://distributor/api/v1/push", "path is not allowed"},
		{"http://distributor//", "path is not allowed"},
		{"http://distributor?x=1", "query is not allowed"},
		{"http://distributor/?x=1", "query is not allowed"},
		{"http://distributor#x", "fragment is not allowed"},
		{"http://me:hunter2@distributor", "user name and password are not allowed"},
		{"http://me:hunt/er2@distributor", "user name and password are not allowed"},
		{"http://me:hunt?er2@distributor", "user name and password are not allowed"},
		{"me:hunter2@distributor", "scheme is missing"},
		{"http://distributor:", `port "" is not valid; want 1 to 65535`},
		{"http://distributor:0", `port "0" is not valid`},
		{"http://distributor:65536", `port "65536" is not valid`},
		{"http://distributor:http", `port "http" is not valid`},
		{"http://distributor:+80", `port "+80" is not valid`},
		{"http://::1:9009", "needs brackets"},
		{"http://[::1:9009", "] behind the IPv6 address is missing"},
		{"http://[::1]9009", "only a port may follow"},
		{"http://[distributor]:80", "not an IPv6 address"},
		{"http://[10.0.0.1]:80", "only IPv6 addresses are written in brackets"},
		{"http://10.0.0.256:80", "neither an IP address nor a host name"},
		{"http://10.0.0:80", "neither an IP address nor a host name"},
		{"http://a..b", "1 to 63 characters"},
		{"http://.", "1 to 63 characters"},
		{"http://a b", "want letters, digits"},
		{"http://größe.example", "want letters, digits"},
		{"http://*.example", "want letters, digits"},
		{"http://" + long + long + long + long + long, "longer than 253"},
		{"dnssrv+http://_http._tcp.distributor:80", "comes from the SRV records"},
		{"dnssrv+http://10.0.0.1", "an address has no SRV records"},
	}
	for _, tt := range tests {
		_, got, err := ParseURL(tt.raw)
		if err == nil {
			t.Errorf("ParseURL(%q) = %+v, want an error with %q", tt.raw, got, tt.want)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseURL(%q): %v; want %q in it", tt.raw, err, tt.want)
		}
		if strings.Contains(err.Error(), "hunt") || strings.Contains(err.Error(), "er2") {
			t.Errorf("ParseURL(%q) shows the password: %v", tt.raw, err)
		}
	}
}

func TestTargetNameLeavesOutTheServiceLabels(t *testing.T) {
	tests := []struct {
		target Target
		want   string
	}{
		{Target{Name, "distributor.example", 80}, "distributor.example"},
		{Target{Name, "distributor.example.", 80}, "distributor.example"},
		{Target{Name, "_odd.example", 80}, "_odd.example"},
		{Target{Literal, "::1", 80}, "::1"},
		{Target{SRV, "_http._tcp.distributor.example", 0}, "distributor.example"},
		{Target{SRV, "distributor.service.consul", 0}, "distributor.service.consul"},
		{Target{SRV, "_http", 0}, "_http"},
	}
	for _, tt := range tests {
		if got := tt.target.Name(); got != tt.want {
			t.Errorf("%v.Name() = %q, want %q", tt.target, got, tt.want)
		}
	}
}

// Whatever is accepted reads the same when it is written out again.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"http://distributor:9009", "https://[::1]:1", "dns+http://a.b", "dnssrv+https://_a._b.c", "http://u:p@h", "http://[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		scheme, target, err := ParseURL(raw)
		if err != nil {
			return
		}
		again := scheme + "://" + target.String()
		if target.Kind == SRV {
			again = "dnssrv+" + again
		}
		scheme2, target2, err := ParseURL(again)
		if err != nil || scheme2 != scheme || target2 != target {
			t.Fatalf("%q reads as %q %+v, but %q as %q %+v, %v", raw, scheme, target, again, scheme2, target2, err)
		}
	})
}
