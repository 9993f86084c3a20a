package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// watcher is a Prometheus that scrapes a gateway.
type watcher struct {
	*process
	caller
}

// watch starts a Prometheus that scrapes the gateway as a job of this name, with
// these rules.
func watch(t *testing.T, g *gateway, job, rules string) *watcher {
	t.Helper()
	needPrograms(t)
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	w := &watcher{caller: caller{url: "http://" + listen}}
	w.process = start(t, "watcher", "prometheus",
		"--config.file="+writeConfig(t, "watcher.yaml", struct{ Job, Target, Rules string }{job, g.admin[len("http://"):], path}),
		"--web.listen-address="+listen, "--storage.tsdb.path="+t.TempDir())
	w.awaitReady(t, w.caller.url+"/-/ready")
	return w
}

// value asks for the value of expr now; by series.
func (w *watcher) value(expr string) (map[string]string, error) {
	var got struct {
		Result []struct {
			Metric labelSet
			Value  [2]any // time, value
		}
	}
	if err := w.get(&got, "/api/v1/query?"+url.Values{"query": {expr}}.Encode()); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, s := range got.Result {
		all[s.Metric.String()] = fmt.Sprint(s.Value[1])
	}
	return all, nil
}

// alerts are the names of those that fire, with what they say.
func (w *watcher) alerts() (map[string]string, error) {
	var got struct {
		Alerts []struct {
			Labels, Annotations map[string]string
			State               string
		}
	}
	if err := w.get(&got, "/api/v1/alerts"); err != nil {
		return nil, err
	}
	firing := map[string]string{}
	for _, a := range got.Alerts {
		if a.State == "firing" {
			firing[a.Labels["alertname"]] = a.Annotations["summary"]
		}
	}
	return firing, nil
}
