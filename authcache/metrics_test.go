package authcache

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const wantMetrics = `headgate_auth_busy_total{reason="queue_full"} 1
headgate_auth_busy_total{reason="queue_timeout"} 1
headgate_auth_credentials 2
headgate_auth_hits_total{kind="rejected"} 1
headgate_auth_misses_total 6
headgate_auth_queue_length{queue="passwords"} 0
headgate_auth_queue_length{queue="signatures"} 0
headgate_auth_queue_limit{queue="passwords"} 1
headgate_auth_queue_limit{queue="signatures"} 1
headgate_auth_removals_held 0
headgate_auth_slow_credentials 1
headgate_auth_sources_unready 1
headgate_auth_token_refusals_total{reason="algorithm"} 0
headgate_auth_token_refusals_total{reason="audience"} 0
headgate_auth_token_refusals_total{reason="expired"} 0
headgate_auth_token_refusals_total{reason="header"} 0
headgate_auth_token_refusals_total{reason="issuer"} 0
headgate_auth_token_refusals_total{reason="malformed"} 0
headgate_auth_token_refusals_total{reason="not_yet_valid"} 0
headgate_auth_token_refusals_total{reason="revoked"} 0
headgate_auth_token_refusals_total{reason="signature"} 0
headgate_auth_token_refusals_total{reason="tenant"} 0
headgate_auth_token_refusals_total{reason="unknown_key"} 0
headgate_auth_token_refusals_total{reason="version"} 0
headgate_auth_tokens 0
headgate_auth_tokens_evicted_total 0
headgate_auth_tokens_limit 0
headgate_auth_verifications_total{result="accepted"} 1
headgate_auth_verifications_total{result="rejected"} 2
headgate_auth_verified_credentials 1
headgate_auth_verify_seconds_sum 0.75
headgate_auth_verify_seconds_count 3
headgate_auth_requests_total{method="basic",result="accepted"} 4
headgate_auth_requests_total{method="basic",result="unready"} 3
headgate_auth_requests_total{method="basic",result="busy"} 2
headgate_auth_hits_total{kind="static"} 2
headgate_auth_hits_total{kind="verified"} 1
`

func TestMetricsCountWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := metrics.NewSet()
		c := opened(Options{Workers: 1, QueueLimit: 1, QueueTimeout: 100 * time.Millisecond, Metrics: set})
		mustReplace(t, c, "file", plain("a", "plain", "secret"), hashed("b", "slow", slowHash(250*time.Millisecond, "secret")))
		c.Expect("folder")
		c.Authenticate(basic("plain", "secret"))
		c.Authenticate(basic("plain", "secret"))
		c.Authenticate(basic("slow", "secret"))
		c.Authenticate(basic("slow", "secret"))
		c.Authenticate(basic("slow", "wrong"))
		c.Authenticate(basic("slow", "wrong"))
		var wait sync.WaitGroup
		for i := range 3 { // the first runs, the second waits in vain, the third finds the queue full
			wait.Go(func() { c.Authenticate(basic(fmt.Sprint("nobody-", i), "secret")) })
			synctest.Wait()
		}
		wait.Wait()

		if got := exported(set); got != wantMetrics {
			t.Errorf("got\n%s\nwant\n%s", got, wantMetrics)
		}
		c.Close()
		if got := exported(set); strings.Contains(got, "queue_length") {
			t.Errorf("after Close the set still reads the cache:\n%s", got)
		}
		// The next cache is shown in the same set.
		c = opened(Options{Metrics: set})
		defer c.Close()
		mustReplace(t, c, "file", plain("a", "plain", "secret"))
		c.Authenticate(basic("plain", "secret"))
		if got := exported(set); !strings.Contains(got, `hits_total{kind="static"} 1`) || !strings.Contains(got, "headgate_auth_credentials 1") {
			t.Errorf("got\n%s", got)
		}
	})
}

// exported is the set's text, without the buckets and the results that there were none of.
func exported(set *metrics.Set) string {
	var text bytes.Buffer
	set.WritePrometheus(&text)
	var kept strings.Builder
	for line := range strings.Lines(text.String()) {
		none := strings.Contains(line, "_requests_total{") && strings.HasSuffix(line, " 0\n")
		if !strings.Contains(line, "_bucket{") && !none {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Nothing a client sends makes a new series (T38).
func TestClientsMakeNoSeries(t *testing.T) {
	set := metrics.NewSet()
	c := opened(Options{Metrics: set, QueueTimeout: time.Millisecond})
	defer c.Close()
	mustReplace(t, c, "file", plain("a", "plain", "secret"), hashed("b", "slow", fakeHash("secret")))
	before := set.ListMetricNames()
	for i := range 1000 {
		c.Authenticate(basic(fmt.Sprintf("user-%d{\"\n", i), fmt.Sprint(i)))
		c.Authenticate(Credential{Scheme: Scheme(i), Secret: []byte(fmt.Sprint(i))})
	}
	if after := set.ListMetricNames(); len(after) != len(before) {
		t.Errorf("%d series became %d: %q", len(before), len(after), after)
	}
}

// TestResultsAreCountedOnce: whatever a request takes on its way, a certificate with several names among it.
func TestResultsAreCountedOnce(t *testing.T) {
	set := metrics.NewSet()
	c := opened(Options{Metrics: set})
	defer c.Close()
	mustReplace(t, c, "file",
		Entry{Identity: &Identity{Tenant: "a", Client: "known", Scopes: Read}, Scheme: Certificate, User: "cn:known", Where: "file"},
		Entry{
			Identity: &Identity{Tenant: "b", Client: "here", Scopes: Read, Terms: &Terms{AllowFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
			Scheme:   Anonymous, Where: "file",
		},
		Entry{
			Identity: &Identity{Tenant: "c", Client: "old", Scopes: Read, Terms: &Terms{Expires: time.Now().Add(-time.Hour)}},
			Scheme:   Basic, User: "old", Password: "secret", Where: "file",
		})
	c.AuthenticateCertificate([][]byte{[]byte("dns:other"), []byte("dns:another"), []byte("cn:known")}, netip.Addr{})
	c.AuthenticateCertificate([][]byte{[]byte("dns:other"), []byte("dns:another")}, netip.Addr{})
	c.AuthenticateCertificate(nil, netip.Addr{})
	c.Authenticate(Credential{Scheme: Anonymous, From: netip.MustParseAddr("192.0.2.1")})
	c.Authenticate(Credential{Scheme: Anonymous, From: netip.MustParseAddr("198.51.100.1")})
	c.Authenticate(basic("old", "secret"))
	c.Authenticate(Credential{Scheme: Bearer, Secret: []byte("unknown")})
	c.Authenticate(Credential{Scheme: 77})
	const want = `headgate_auth_requests_total{method="basic",result="expired"} 1
headgate_auth_requests_total{method="bearer",result="rejected"} 1
headgate_auth_requests_total{method="mtls",result="accepted"} 1
headgate_auth_requests_total{method="mtls",result="rejected"} 2
headgate_auth_requests_total{method="none",result="accepted"} 1
headgate_auth_requests_total{method="none",result="rejected"} 1
`
	if got := exported(set); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
