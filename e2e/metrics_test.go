package e2e

import (
	"bytes"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics is what a process says about itself, by name.
type metrics map[string]*dto.MetricFamily

// readMetrics fetches url, a page in Prometheus's text format.
func readMetrics(url string) (metrics, error) {
	got, err := caller{url: url}.try(http.MethodGet, "", "")
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, got)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(got.body))
}

// sum adds up the series of a metric that have all the labels, given as name,
// value, name, value …; a metric that is not there is 0, as a counter that
// nothing has touched yet.
func (m metrics) sum(name string, labels ...string) float64 {
	total := 0.0
	for _, series := range m[name].GetMetric() {
		if hasLabels(series, labels) {
			total += series.GetCounter().GetValue() + series.GetGauge().GetValue() + series.GetUntyped().GetValue()
		}
	}
	return total
}

func hasLabels(series *dto.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		found := false
		for _, pair := range series.GetLabel() {
			found = found || pair.GetName() == labels[i] && pair.GetValue() == labels[i+1]
		}
		if !found {
			return false
		}
	}
	return true
}
