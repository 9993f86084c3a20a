package proxy

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
)

// TestRefusedPushesCountAsWrites: whatever a push is refused for, its sender has lost the data, and the alert looks at the
// scope write.
func TestRefusedPushesCountAsWrites(t *testing.T) {
	t.Parallel()
	const head = " HTTP/1.1\r\nHost: gw.test\r\nAuthorization: " + basicA + "\r\nContent-Length: 0\r\n"
	for name, tc := range map[string]struct {
		raw  string
		want string // reason, and the scope that it counts for
	}{
		"a doubled slash":           {"POST //api/v1/push" + head + "\r\n", "path_not_clean write"},
		"a dot":                     {"POST /api/v1/./push" + head + "\r\n", "path_not_clean write"},
		"an escaped letter's slash": {"POST /api%2Fv1%2Fpush" + head + "\r\n", "path_not_clean write"},
		"a parameter":               {"POST /api/v1/push;a=b" + head + "\r\n", "path_not_clean write"},
		"a slash at the end":        {"POST /api/v1/push/" + head + "\r\n", "no_route write"},
		"a part too many":           {"POST /cortex/api/v1/push" + head + "\r\n", "no_route write"},
		"a part too few":            {"POST /v1/metrics" + head + "\r\n", "no_route write"},
		"an absolute target":        {"POST http://gw.test/api/v1/push" + head + "\r\n", "malformed_request write"},
		"two lengths":               {"POST /api/v1/push" + head + "Content-Length: 1\r\n\r\n", "malformed_request write"},
		"an expectation":            {"POST /api/v1/push" + head + "Expect: more\r\n\r\n", "expectation_failed write"},
		"a head too large":          {"POST /api/v1/push" + head + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "head_too_large write"},
		"a query too large":         {"POST /api/v1/push?" + strings.Repeat("a", 64<<10), "head_too_large write"},
		"another version":           {"POST /api/v1/push HTTP/3.0\r\nHost: gw.test\r\n\r\n", "version_not_supported write"},
		"an empty line before":      {"\r\nPOST //api/v1/push" + head + "\r\n", "path_not_clean write"},
		"below a prefix":            {"POST /in//any" + head + "\r\n", "path_not_clean write"},
		"a read":                    {"GET //api/v1/push" + head + "\r\n", "path_not_clean none"},
		"a query that is posted":    {"POST /prometheus//api/v1/query" + head + "\r\n", "path_not_clean none"},
		"the end of another word":   {"POST /x/api/v1/push2" + head + "\r\n", "no_route none"},
		"a longer word":             {"POST /gapi/v1/push" + head + "\r\n", "no_route none"},
		"nothing":                   {"POST /" + head + "\r\n", "no_route none"},
		"junk":                      {"\x16\x03\x01\r\n\r\n", "malformed_request none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, append(testRoutes(testPool(t, "127.0.0.1:1"), nil), Route{Path: "/in", Prefix: true, Scope: authcache.Write}))
			g.ask(t, tc.raw)
			g.finished(t)
			reason, scope, _ := strings.Cut(tc.want, " ")
			if got, want := g.shown("headgate_refusals_total"), `{reason="`+reason+`",origin="headgate",scope="`+scope+`"} 1`+"\n"; got != want {
				t.Errorf("refusals are\n%s, want\n%s", got, want)
			}
			status := "4xx"
			if reason == "version_not_supported" {
				status = "5xx"
			}
			if got, want := g.shown("headgate_requests_total"), `{route="other",scope="`+scope+`",status="`+status+`",origin="headgate"} 1`+"\n"; got != want {
				t.Errorf("requests are\n%s, want\n%s", got, want)
			}
		})
	}
}
