package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// caller is a client of the gateway: where it is, and who calls.
type caller struct {
	url      string // of the gateway, without a path
	user     string
	password string
	tenant   string // that it names; empty: none
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// String is the status and the start of the body, for messages.
func (r reply) String() string {
	return fmt.Sprintf("%d %q", r.status, r.body[:min(len(r.body), 300)])
}

// client is what every request of the tests goes through; each has a deadline.
func client() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request makes a request as c. path is sent as it is, escapes included.
func (c caller) request(method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(c.user, c.password)
	if c.tenant != "" {
		req.Header.Set("X-Scope-OrgID", c.tenant)
	}
	return req, nil
}

// do sends a request and reads the answer.
func do(req *http.Request) (reply, error) {
	resp, err := client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: body}, err
}

// call sends a request with a body of text, or none when it is empty, and fails
// the test unless an answer comes back.
func (c caller) call(t *testing.T, method, path, body string) reply {
	t.Helper()
	got, err := c.try(method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// try is call for a polling loop.
func (c caller) try(method, path, body string) (reply, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := c.request(method, path, r)
	if err != nil {
		return reply{}, err
	}
	return do(req)
}

// expectStatus returns an error unless GET url, without credentials, answers
// with that status.
func expectStatus(url string, status int) error {
	got, err := caller{url: url}.try(http.MethodGet, "", "")
	if err == nil && got.status != status {
		err = fmt.Errorf("GET %s: %s, want %d", url, got, status)
	}
	return err
}

// promtool runs "promtool query" as c and returns its standard output. The
// credentials are in the URL, where promtool's users put them.
func (c caller) promtool(kind string, args ...string) ([]byte, error) {
	server, err := url.Parse(c.url + "/prometheus")
	if err != nil {
		return nil, err
	}
	server.User = url.UserPassword(c.user, c.password)

	// The server is the first argument, after the flags.
	line := []string{"query", "--format=json", kind}
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		line, args = append(line, args[0]), args[1:]
	}
	line = append(append(line, server.String()), args...)

	out, err := exec.Command("promtool", line...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("promtool query %s as %s: %w: %s", kind, c.user, err, bytes.TrimSpace(exit.Stderr))
	}
	return out, err
}
