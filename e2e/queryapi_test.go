package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// queryJSON asks Prometheus's HTTP API behind the gateway, as Grafana does, and
// decodes the "data" of the answer.
func (c caller) queryJSON(into any, endpoint string, values url.Values) error {
	return c.get(into, "/prometheus/api/v1/"+endpoint+"?"+values.Encode())
}

// get fetches path and decodes the "data" of the answer.
func (c caller) get(into any, path string) error {
	got, err := c.try(http.MethodGet, path, "")
	if err != nil {
		return err
	}
	answer := struct{ Data any }{into}
	if err := json.Unmarshal(got.body, &answer); err != nil || got.status != http.StatusOK {
		return fmt.Errorf("GET %s as %s: %s", path, c.user, got)
	}
	return nil
}

// vector asks for the value of expr now and returns it by series.
func (c caller) vector(expr string) (map[string]string, error) {
	var got struct {
		Result []struct {
			Metric labelSet
			Value  [2]any // time, value
		}
	}
	if err := c.queryJSON(&got, "query", url.Values{"query": {expr}}); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, s := range got.Result {
		all[s.Metric.String()] = fmt.Sprint(s.Value[1])
	}
	return all, nil
}
