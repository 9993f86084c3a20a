package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestDocumentsHaveTheFieldsOfEveryLine gathers what the lines of requests and of the audit log really have, and looks
// for each in docs/logging.md.
func TestDocumentsHaveTheFieldsOfEveryLine(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "logging.md"))
	if err != nil {
		t.Fatal(err)
	}
	cortex := newUpstream(t)
	secret := strings.Repeat("s", 32)
	r := start(t, gate(everything(cortex.URL))+"[auth.jwt]\nsecret = \""+secret+"\"\n"+tenant("team-a", "prometheus-a", "one")+tenant("team-b", "prometheus-b", "two")+
		"[log.access]\nenabled = true\nquery = true\n"+tracingTable("http://127.0.0.1:1"))
	client := newClient(t)
	for _, try := range []request{
		{method: "GET", url: "/prometheus/api/v1/query_range?query=up&start=1&end=2&step=3", user: "prometheus-a", password: "one"},
		{method: "GET", url: "/prometheus/api/v1/series?match[]=up", user: "prometheus-a", password: "one"},
		{method: "POST", url: "/api/v1/rules/ns", user: "prometheus-a", password: "one", body: "x"},
		{method: "GET", url: "/prometheus/api/v1/query", user: "prometheus-a", password: "wrong", tenant: "team-b"},
		{method: "GET", url: "/nowhere", user: "prometheus-a", password: "one"},
		{method: "GET", url: "/prometheus//x", user: "prometheus-a", password: "one"},
	} {
		try.url = r.url(try.url)
		try.must(t, client)
	}
	sendWith(t, client, "POST", r.url("/api/v1/rules/ns"), signedBy(t, jwt.SigningMethodHS256, []byte(secret),
		jwt.MapClaims{"tenant_id": "team-a", "jti": "1", "exp": time.Now().Add(time.Hour).Unix()}))
	broken, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	r.write(strings.NewReplacer(`"two"`, `"three"`, `"prometheus-a"`, `"prometheus-c"`).Replace(string(broken)))
	if problems := r.Reload(); problems != nil {
		t.Fatal(problems)
	}
	eventually(t, "the requests end", func() bool { return r.proxy.InFlight() == 0 })
	r.logs.close()
	fields := map[string]bool{}
	for _, line := range linesOf(t, r.log, func(line map[string]any) bool { return line["log"] != nil }) {
		for field := range line {
			fields[field] = true
		}
		if msg := line["msg"].(string); !strings.Contains(string(text), "`"+msg+"`") {
			t.Errorf("docs/logging.md does not have the line %q", msg)
		}
	}
	for _, must := range []string{"trace", "match", "tenant_asked", "bytes", "added", "removed", "changed", "sender", "jti", "reason"} {
		if !fields[must] {
			t.Errorf("no line has %s: this test sees too little", must)
		}
	}
	for field := range fields {
		if !strings.Contains(string(text), "`"+field+"`") {
			t.Errorf("docs/logging.md does not have the field %s", field)
		}
	}
}
