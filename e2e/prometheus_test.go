package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// endpoint is a URL of the gateway with the credential that Prometheus uses
// there.
type endpoint struct {
	caller
	Path         string
	PasswordFile string // given: the password stands there
}

func (e *endpoint) URL() string      { return e.url + e.Path }
func (e *endpoint) Host() string     { return e.url[len("http://"):] }
func (e *endpoint) User() string     { return e.user }
func (e *endpoint) Password() string { return e.password }

// prometheusOptions say what a Prometheus does; a nil endpoint is not used.
type prometheusOptions struct {
	Agent       bool
	Owner       string // label on every series it scrapes; empty: it never scrapes
	Target      string // host:port to scrape; empty: nothing now
	Write       *endpoint
	Patient     bool // flush for as long as Prometheus does by default, also when it changes the number of its shards
	NoExemplars bool // of what it scrapes, write samples only
	Read        *endpoint
	Alert       *endpoint // an Alertmanager; Path is its path prefix
	Rules       string    // file with rules
}

// prometheus is one running Prometheus.
type prometheus struct {
	*process
	url     string
	config  string
	options prometheusOptions
}

// startPrometheus runs Prometheus, with exemplars on, and waits until it is
// ready.
func startPrometheus(t *testing.T, name string, o prometheusOptions) *prometheus {
	t.Helper()
	needPrograms(t)
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p := &prometheus{url: "http://" + listen, config: writeConfig(t, "prometheus.yaml", o), options: o}
	args := []string{
		"--config.file=" + p.config,
		"--web.listen-address=" + listen,
		"--web.enable-lifecycle",
	}
	if !o.Patient {
		// What is not sent by then is dropped, and there is no need to wait for it at the end of a story.
		args = append(args, "--storage.remote.flush-deadline=1s")
	}
	if o.Agent {
		args = append(args, "--enable-feature=agent,exemplar-storage", "--storage.agent.path="+t.TempDir())
	} else {
		// An alert that fires before the Alertmanager is discovered is sent again
		// only after the resend delay, a minute by default.
		args = append(args, "--enable-feature=exemplar-storage", "--storage.tsdb.path="+t.TempDir(), "--rules.alert.resend-delay=1s")
	}
	p.process = start(t, name, "prometheus", args...)
	p.awaitReady(t, p.url+"/-/ready")
	return p
}

// stopScraping takes the target away, and leaves its job: without that there
// would be no staleness markers. What it has scraped is still sent, and
// with it, some scrape intervals later, a staleness marker for each series.
func (p *prometheus) stopScraping(t *testing.T) {
	t.Helper()
	p.options.Target = ""
	overwriteConfig(t, p.config, p.options)
	if got := (caller{url: p.url}).call(t, http.MethodPost, "/-/reload", ""); got.status != http.StatusOK {
		t.Fatalf("reload %s: %s", p.name, got)
	}
}

// metrics reads what the Prometheus says about itself.
func (p *prometheus) metrics() (metrics, error) { return readMetrics(p.url + "/metrics") }
