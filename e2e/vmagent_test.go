package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"
)

// vmagentOptions say what a vmagent does.
type vmagentOptions struct {
	Owner   string   // label on every series it scrapes
	Target  string   // host:port to scrape; empty: nothing
	Write   endpoint // PasswordFile is needed
	Witness string   // URL that gets the same data, without headgate
}

// vmagent is one running vmagent.
type vmagent struct {
	*process
	url     string
	scrape  string // its scrape configuration
	options vmagentOptions
}

// needVmagent makes sure that vmagent can be run.
func needVmagent(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("vmagent"); err != nil {
		missing(t, "vmagent is not in PATH; on Debian: apt-get install victoria-metrics")
	}
}

// startVmagent runs vmagent and waits until it is ready. It has one queue: with
// several, vmagent itself sends the samples of a series out of order as soon as
// a push has to be repeated.
func startVmagent(t *testing.T, o vmagentOptions) *vmagent {
	t.Helper()
	needVmagent(t)
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	v := &vmagent{url: "http://" + listen, scrape: writeConfig(t, "vmagent.yaml", o), options: o}
	v.process = start(t, "vmagent", "vmagent",
		"-httpListenAddr="+listen,
		"-promscrape.config="+v.scrape,
		"-remoteWrite.tmpDataPath="+t.TempDir(),
		"-remoteWrite.queues=1",
		"-remoteWrite.flushInterval=500ms",
		"-remoteWrite.url="+o.Write.URL(),
		"-remoteWrite.url="+o.Witness,
		"-remoteWrite.showURL",
		"-remoteWrite.basicAuth.username="+o.Write.User(),
		"-remoteWrite.basicAuth.passwordFile="+o.Write.PasswordFile,
	)
	v.awaitReady(t, v.url+"/health")
	return v
}

// stopScraping takes the target away, as prometheus.stopScraping does.
func (v *vmagent) stopScraping(t *testing.T) {
	t.Helper()
	v.options.Target = ""
	overwriteConfig(t, v.scrape, v.options)
	if got := (caller{url: v.url}).call(t, http.MethodPost, "/-/reload", ""); got.status != http.StatusOK {
		t.Fatalf("reload %s: %s", v.name, got)
	}
}

// metrics reads what vmagent says about itself.
func (v *vmagent) metrics() (metrics, error) { return readMetrics(v.url + "/metrics") }
