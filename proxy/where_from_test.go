package proxy

import (
	"net/netip"
	"testing"
)

// TestAddressesThatLetInCannotBeMadeUp: a credential that is bound to addresses, and the access of those without one,
// counts where the connection comes from, or what a trusted proxy says of it, and nothing that a client can write.
func TestAddressesThatLetInCannotBeMadeUp(t *testing.T) {
	t.Parallel()
	const (
		proxy   = "10.9.9.9" // trusted, and among the addresses of inside
		outside = "198.51.100.1"
		open    = "192.0.2.7"
	)
	inside := "Authorization: " + basicOf("inside")
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) {
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy + "/32"), netip.MustParsePrefix("10.9.9.8/32")}
	})
	for _, test := range []struct {
		name, peer string
		fields     []string
		status     int
	}{
		{"inside", "10.1.2.3", []string{inside}, 200},
		{"inside, by IPv6", "::1", []string{inside}, 200},
		{"inside, IPv4 in IPv6", "::ffff:10.1.2.3", []string{inside}, 200},
		{"outside", outside, []string{inside}, 401},
		{"outside, saying otherwise", outside, []string{inside, "X-Forwarded-For: 10.1.2.3", "X-Real-IP: 10.1.2.3", "Forwarded: for=10.1.2.3"}, 401},
		{"behind the proxy, inside", proxy, []string{inside, "X-Forwarded-For: 10.1.2.3"}, 200},
		{"behind the proxy, outside", proxy, []string{inside, "X-Forwarded-For: " + outside}, 401},
		{"behind the proxy, outside, with a lie before", proxy, []string{inside, "X-Forwarded-For: 10.1.2.3, " + outside}, 401},
		{"behind the proxy, outside, with a lie in a line of its own", proxy, []string{inside, "X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: " + outside}, 401},
		{"behind two proxies, inside", proxy, []string{inside, "X-Forwarded-For: " + outside + ", 10.1.2.3, 10.9.9.8"}, 200},
		{"the proxy itself", proxy, []string{inside}, 200},
		{"behind the proxy, which cannot be read", proxy, []string{inside, "X-Forwarded-For: " + outside + ":4711"}, 401},
		{"behind the proxy, which says nothing", proxy, []string{inside, "X-Forwarded-For: unknown"}, 401},
		{"behind the proxy, with an empty line", proxy, []string{inside, "X-Forwarded-For: " + outside + ","}, 401},
		{"behind two proxies, the first cannot be read", proxy, []string{inside, "X-Forwarded-For: unknown, 10.9.9.8"}, 401},

		{"open", open, nil, 200},
		{"not open", outside, nil, 401},
		{"not open, saying otherwise", outside, []string{"X-Forwarded-For: " + open}, 401},
		{"open behind the proxy", proxy, []string{"X-Forwarded-For: " + open}, 200},
		{"not open behind the proxy", proxy, []string{"X-Forwarded-For: " + open + ", " + outside}, 401},
		{"open, with a password", open, []string{"Authorization: " + basicA}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			u.forget()
			r := g.callerFrom(t, test.peer).ask(requestAs(pushLine, test.fields...))
			if r.status != test.status {
				t.Errorf("answered %v, want %d", r, test.status)
			}
			if got := len(u.requests()); got > 0 != (test.status == 200) {
				t.Errorf("%d requests upstream", got)
			}
		})
	}
}

// TestASocketOfThisMachineHasNoAddress, so what is bound to addresses is not to be had there.
func TestASocketOfThisMachineHasNoAddress(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	socket := g.onUnixSocket(t)
	for request, want := range map[string]string{
		requestAs(pushLine, "Authorization: "+basicOf("inside")):           "HTTP/1.1 401",
		requestAs(pushLine, "X-Forwarded-For: 192.0.2.7"):                  "HTTP/1.1 401",
		requestAs(pushLine, "Authorization: "+basicA, "Connection: close"): "HTTP/1.1 200",
	} {
		if got := tell(t, socket, []byte(request)); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%q: answered %q, want %s", request, got, want)
		}
	}
}
