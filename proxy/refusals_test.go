package proxy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// onWriteRoutes is the status of every reason on a write route, by hand. Prometheus drops what gets a 4xx, so it is one only
// for what is wrong and always will be, and for a credential that is wrong.
var onWriteRoutes = map[string]int{
	"malformed_request": 400, "expectation_failed": 417, "head_too_large": 431, "path_not_clean": 400, "tenant_malformed": 400,
	"coding_not_supported": 501, "version_not_supported": 505,
	"unauthorized": 401, "scope_missing": 403, "address_denied": 403, "cross_site": 403, "tenant_denied": 403,
	"no_route":           404, // never on a push path: those of Cortex always have a route
	"method_not_allowed": 405, "body_too_large": 413,

	"credentials_unready": 503, "authentication_busy": 503, "certificate_expired": 503,
	"overloaded": 503, "tenant_limited": 503, "no_upstream": 503, "body_timeout": 503, "client_closed": 503,
	"no_host": 503, "no_connection": 503, "connect_failed": 503, "upstream_unavailable": 503,
	"upstream_timeout": 504, "deadline": 504,
	"upstream_closed": 502, "bad_answer": 502, "wrong_machine": 502, "answer_too_long": 502,
	"internal": 503, "upstream_unhealthy": 503, "draining": 503, "not_ready": 503,
}

// TestRefusalsOnWriteRoutes: a refusal that another try could turn into success must be one that Prometheus repeats.
func TestRefusalsOnWriteRoutes(t *testing.T) {
	t.Parallel()
	reason := regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)*$`)
	names := make(map[string]bool)
	for _, r := range Refusals() {
		if want, known := onWriteRoutes[r.Reason]; !known || r.Write != want {
			t.Errorf("%s: %d on write routes, want %d: would a sender that repeats it ever succeed?", r.Reason, r.Write, want)
		}
		if r.Write < 500 && r.Status != r.Write {
			t.Errorf("%s: %d on write routes and %d elsewhere: what is wrong for ever is so everywhere", r.Reason, r.Write, r.Status)
		}
		if names[r.Reason] {
			t.Errorf("%s: is there twice", r.Reason)
		}
		names[r.Reason] = true
		if !reason.MatchString(r.Reason) {
			t.Errorf("%q is no word for a label", r.Reason)
		}
		if r.Text == "" || strings.HasSuffix(r.Text, ".") || strings.ContainsAny(r.Text, "\r\n") {
			t.Errorf("%s: %q is not one line of advice", r.Reason, r.Text)
		}
	}
}

// TestRefusalsAreExplained: every reason has its place in the documents.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	const page = "../docs/troubleshooting.md"
	text, err := os.ReadFile(page)
	if os.IsNotExist(err) {
		t.Skipf("%s has not been written yet", page)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Refusals() {
		if !strings.Contains(string(text), "`"+r.Reason+"`") {
			t.Errorf("%s does not explain `%s`", page, r.Reason)
		}
	}
}
