package config

import "testing"

func TestOrigins(t *testing.T) {
	for text, want := range map[string]string{
		"https://grafana.example":        "https://grafana.example",
		"https://Grafana.Example":        "https://grafana.example",
		"https://grafana.example:443":    "https://grafana.example",
		"http://grafana.example:80":      "http://grafana.example",
		"http://grafana.example:443":     "http://grafana.example:443",
		"http://grafana.example:3000":    "http://grafana.example:3000",
		"HTTP://localhost:3000":          "http://localhost:3000",
		"http://[::1]:3000":              "http://[::1]:3000",
		"https://192.0.2.1":              "https://192.0.2.1",
		"":                               "",
		"*":                              "",
		"null":                           "",
		"grafana.example":                "",
		"grafana.example:3000":           "",
		"https://":                       "",
		"https://grafana.example/":       "",
		"https://grafana.example/d/1":    "",
		"https://grafana.example?x":      "",
		"https://grafana.example#x":      "",
		"https://grafana.example#":       "",
		"https://a@grafana.example":      "",
		"https://grafana.example:":       "",
		"https://grafana.example:0":      "",
		"https://grafana.example:65536":  "",
		"https://*.grafana.example":      "",
		"ftp://grafana.example":          "",
		"https://gra fana.example":       "",
		"https://grafana.example https:": "",
		"https://grafana%2eexample":      "",
	} {
		var o Origin
		err := o.UnmarshalTOML(text)
		if string(o) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, o, err, want)
		}
	}
}
