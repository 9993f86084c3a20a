package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestClientsAreServed sends what the usual clients send (testdata/clients) through a gateway with a stand-in for each
// component of Cortex, and compares which one got what for which tenant.
func TestClientsAreServed(t *testing.T) {
	paths, err := filepath.Glob("testdata/clients/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no clients: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sections := make(map[string]string)
			for _, f := range archive.Files {
				sections[f.Name] = string(f.Data)
			}
			got := newCortexParts(t).serve(t, strings.TrimSpace(sections["client"]), sections["requests"])
			if got == sections["cortex"] {
				return
			}
			if !*update {
				t.Fatalf("not what %s says (make golden rewrites it):\n%s", path, got)
			}
			archive.Files = append(archive.Files[:2:2], txtar.File{Name: "cortex", Data: []byte(got)})
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// cortexParts is a gateway before one stand-in for each component.
type cortexParts struct {
	*running
	parts map[string]*upstream
}

func newCortexParts(t *testing.T) *cortexParts {
	t.Helper()
	c := &cortexParts{parts: make(map[string]*upstream)}
	var toml strings.Builder
	for _, name := range []string{"distributor", "query-frontend", "ruler", "alertmanager"} {
		c.parts[name] = newUpstream(t)
		fmt.Fprintf(&toml, "[upstreams.%s]\nurl = %q\nidle_timeout = \"100ms\"\n", name, c.parts[name].URL)
	}
	toml.WriteString("[cortex.tenant_federation]\nenabled = true\n")
	for _, user := range []string{"team-a", "grafana-a"} {
		toml.WriteString(tenant("team-a", user, "secret"))
	}
	toml.WriteString(tenant("team-a", "grafana-all", "secret") + "read_tenants = [\"team-a\", \"team-b\"]\n")
	c.running = start(t, gate(toml.String()))
	return c
}

// serve sends the requests, one a line, and tells what became of each.
func (c *cortexParts) serve(t *testing.T, user, lines string) string {
	t.Helper()
	client := newClient(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var told strings.Builder
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		before := make(map[string]int)
		for name, part := range c.parts {
			before[name] = len(part.seen())
		}
		answer, err := client.Do(parseLine(t, c.url(""), user, line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&told, "%d %s", answer.StatusCode, cmp.Or(answer.Header.Get("X-Headgate-Reason"), "upstream"))
		for _, name := range []string{"distributor", "query-frontend", "ruler", "alertmanager"} {
			for _, s := range c.parts[name].seen()[before[name]:] {
				fmt.Fprintf(&told, " → %s for %s: %s %s", name, s.Tenant, s.Method, s.Path)
				if s.Query != "" {
					told.WriteString("?" + s.Query)
				}
				if s.Body != "" {
					told.WriteString(" " + s.Body)
				}
				if s.Credential {
					t.Errorf("%s: the credential went upstream", line)
				}
			}
		}
		told.WriteByte('\n')
	}
	return told.String()
}

// parseLine is the request of one line: METHOD PATH [TYPE BODY] [X-Scope-OrgID:TENANTS].
func parseLine(t *testing.T, url, user, line string) *http.Request {
	t.Helper()
	line, tenants, _ := strings.Cut(line, " X-Scope-OrgID:")
	method, rest, _ := strings.Cut(line, " ")
	path, rest, _ := strings.Cut(rest, " ")
	contentType, body, _ := strings.Cut(rest, " ")
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, url+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, "secret")
	if contentType != "" && contentType != "-" {
		r.Header.Set("Content-Type", contentType)
	}
	if tenants != "" {
		r.Header.Set("X-Scope-OrgID", tenants)
	}
	return r
}
