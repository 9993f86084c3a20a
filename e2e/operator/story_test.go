package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFromThePackageToAFiringAlert is the first day of an operator: they unpack
// the package, edit its one file, start the gateway, open the page, and break
// Cortex: they see it on the page and in the metrics, and a real Prometheus with
// the packaged rules tells them.
func TestFromThePackageToAFiringAlert(t *testing.T) {
	needPrograms(t, "bash", "git", "make", "dpkg-deb", "prometheus", "chromium")
	tree := copyTree(t)
	makeTarget(t, tree, "package", "v1.2.3", "ARCHES="+runtime.GOARCH)
	root := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "-x", only(t, tree, "deb"), root).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb -x: %v\n%s", err, out)
	}
	cortex := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"status":"success"}`)
	}))
	t.Cleanup(cortex.Close)

	// The one file: what it only shows is taken in, with the address of Cortex.
	program := filepath.Join(root, "usr", "bin", "headgate")
	g := &gateway{config: filepath.Join(root, "etc", "headgate", "config.toml"), hosts: []*httptest.Server{cortex}}
	text, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	edited := regexp.MustCompile(`(?m)^#([^#])`).ReplaceAllString(string(text), "$1")
	edited = strings.NewReplacer("http://cortex.example:9009", cortex.URL, "127.0.0.1:8080", "127.0.0.1:"+freePort(t)).Replace(edited)
	edited += "\n[admin]\nlisten = \"127.0.0.1:" + freePort(t) + "\"\n"
	if err := os.WriteFile(g.config, []byte(edited), 0o640); err != nil {
		t.Fatal(err)
	}
	made, err := exec.Command(program, "new-password").Output()
	if err != nil {
		t.Fatal(err)
	}
	password, _, _ := strings.Cut(string(made), "\n")
	if err := os.WriteFile(filepath.Join(root, "etc", "headgate", "team-a.password"), []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "check", "--strict", "--config", g.config).CombinedOutput(); err != nil {
		t.Fatalf("headgate check: %v\n%s", err, out)
	}
	g.run(t, program)
	push := func() int { return g.send(t, "POST", "/api/v1/push", "prometheus-a", password) }
	if status := push(); status != 200 {
		t.Fatalf("a push: %d", status)
	}

	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.admin+"/"))
	b.until(`document.querySelector("#health.good") !== null && document.querySelector("#requests").textContent === "1"`)
	p := startPrometheus(t, strings.TrimPrefix(g.admin, "http://"), filepath.Join(root, "usr", "share", "doc", "headgate", "examples", "headgate.rules.yml"))
	p.wait(t, "the gateway is scraped and nothing fires", func() error {
		var got struct{ Data struct{ Result []any } }
		if err := p.get("/api/v1/query?query=headgate_upstream_hosts_healthy==1", &got); err != nil || len(got.Data.Result) != 1 {
			return fmt.Errorf("%v: %v", got, err)
		}
		firing, err := p.firing()
		if err == nil && len(firing) > 0 {
			err = fmt.Errorf("what fires is %v", firing)
		}
		return err
	})

	cortex.Close()
	for range 3 {
		if status := push(); status != 503 {
			t.Errorf("a push without Cortex: %d", status)
		}
	}
	b.until(`document.querySelector("#health.bad") !== null && document.querySelector(".notices .bad").textContent === "no host of all is up"`)
	if metrics := g.metrics(t); !strings.Contains(metrics, "headgate_upstream_hosts_healthy{upstream=\"all\"} 0\n") {
		t.Error("the metrics do not say that no host is healthy")
	}
	p.wait(t, "HeadgateNoHealthyUpstream fires", func() error {
		firing, err := p.firing()
		if err == nil && !strings.HasPrefix(firing["HeadgateNoHealthyUpstream"], "all has no healthy host") {
			err = fmt.Errorf("what fires is %v", firing)
		}
		return err
	})
	b.content()
}

// metrics is what /metrics answers.
func (g *gateway) metrics(t *testing.T) string {
	t.Helper()
	answer, err := http.Get(g.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// prometheus is one that scrapes a gateway, with rules.
type prometheus struct{ url string }

// startPrometheus runs one with the rules of a file, except that they wait for a
// second only.
func startPrometheus(t *testing.T, target, rules string) *prometheus {
	t.Helper()
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string][]byte{
		"rules.yml": regexp.MustCompile(`(?m)^( +for:) \S+$`).ReplaceAll(text, []byte("$1 1s")),
		"prometheus.yml": fmt.Appendf(nil, "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\n"+
			"rule_files: [rules.yml]\nscrape_configs: [{job_name: headgate, static_configs: [{targets: [%q]}]}]\n", target),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listen := "127.0.0.1:" + freePort(t)
	var log bytes.Buffer
	program := exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--web.listen-address="+listen, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Signal(os.Interrupt)
		_ = program.Wait()
		if t.Failed() {
			t.Logf("Prometheus said\n%s", log.String())
		}
	})
	p := &prometheus{"http://" + listen}
	p.wait(t, "Prometheus is ready", func() error {
		answer, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != 200 {
			return errors.New(answer.Status)
		}
		return nil
	})
	return p
}

// get asks for what its API has at a path.
func (p *prometheus) get(path string, into any) error {
	answer, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(into)
}

// firing are the summaries of alerts that fire, by name.
func (p *prometheus) firing() (map[string]string, error) {
	var got struct {
		Data struct {
			Alerts []struct {
				Labels, Annotations map[string]string
				State               string
			}
		}
	}
	err := p.get("/api/v1/alerts", &got)
	firing := make(map[string]string)
	for _, a := range got.Data.Alerts {
		if a.State == "firing" {
			firing[a.Labels["alertname"]] = a.Annotations["summary"]
		}
	}
	return firing, err
}

// wait waits until holds has no objection any more.
func (p *prometheus) wait(t *testing.T, what string, holds func() error) {
	t.Helper()
	if err := within(patience, holds); err != nil {
		t.Fatalf("it does not come to it that %s: %v", what, err)
	}
}
