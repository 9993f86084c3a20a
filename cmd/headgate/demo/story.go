package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Story plays the demo through a running gateway.
type Story struct {
	Gateway string // "http://127.0.0.1:34567"
	Admin   string
	Config  string // path of the configuration in use
	Program string // path of headgate itself
	Out     io.Writer
}

// answerTimeout bounds one request of the story; all of them stay on loopback.
const answerTimeout = 10 * time.Second

// Play pushes as both tenants, queries as both, tries to cheat, and prints what came of it and what to try by hand. Its
// error says what did not go as promised: a request that failed, or a tenant that saw another one's data.
func (s Story) Play(ctx context.Context) error {
	client := &http.Client{Timeout: answerTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	clients := Clients()

	s.print("Two tenants push through the gateway:\n")
	for _, c := range clients {
		status, _, err := s.send(ctx, client, call{method: "POST", path: pushPath, as: c, body: c.Metric})
		if err != nil {
			return err
		}
		s.print("  %-34s  as %-12s  %d\n", c.Metric, c.User, status)
		if status != http.StatusOK {
			return fmt.Errorf("the push as %s was answered %d, want 200", c.User, status)
		}
	}

	s.print("\nEach sees its own data, and nothing else:\n")
	for _, c := range clients {
		seen, err := s.seen(ctx, client, call{method: "GET", path: queryPath, as: c})
		if err != nil {
			return err
		}
		s.print("  %-12s  sees %-8s  %s\n", c.User, c.Tenant, seen)
		if seen != c.Metric {
			return fmt.Errorf("%s sees %q, want %q", c.User, seen, c.Metric)
		}
	}

	return s.cheat(ctx, client)
}

// cheat tries what a tenant must not be able to do, then prints the commands.
func (s Story) cheat(ctx context.Context, client *http.Client) error {
	a, b := Clients()[0], Clients()[1]
	s.print("\nNobody can choose to be somebody else:\n")

	seen, err := s.seen(ctx, client, call{method: "GET", path: queryPath, as: b, tenant: a.Tenant})
	if err != nil {
		return err
	}
	s.print("  %s with X-Scope-OrgID: %s  still sees  %s\n", b.User, a.Tenant, seen)
	if seen != b.Metric {
		return fmt.Errorf("%s chose another tenant and sees %q", b.User, seen)
	}

	wrong := Client{User: a.User, Password: b.Password}
	status, answer, err := s.send(ctx, client, call{method: "GET", path: queryPath, as: wrong})
	if err != nil {
		return err
	}
	s.print("  %s with a wrong password  %d  %s\n", a.User, status, strings.TrimSpace(answer))
	if status != http.StatusUnauthorized {
		return fmt.Errorf("a wrong password was answered %d, want 401", status)
	}
	s.commands()
	return nil
}

// commands prints lines to paste into another terminal.
func (s Story) commands() {
	a, b := Clients()[0], Clients()[1]
	s.print(`
Try it from another terminal:
  curl -u %[1]s:%[2]s --data-binary 'cellar_humidity 0.6' %[5]s%[7]s
  curl -u %[1]s:%[2]s '%[5]s%[8]s'
  curl -u %[3]s:%[4]s '%[5]s%[8]s'
  curl -u %[3]s:%[4]s -H 'X-Scope-OrgID: %[10]s' '%[5]s%[8]s'
  curl -i -u %[3]s:wrong '%[5]s%[8]s'
  curl -s %[6]s/metrics
  %[11]s explain --config %[9]s --client %[1]s POST %[7]s
The admin page is %[6]s/
`, a.User, a.Password, b.User, b.Password, s.Gateway, s.Admin, pushPath, queryPath, s.Config, a.Tenant, s.Program)
}

// print writes to the story's output; a reader that has gone does not end the demo.
func (s Story) print(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format, args...) }

const (
	pushPath  = "/api/v1/push"
	queryPath = "/prometheus/api/v1/query?query=push"
)

// call is one request of the story.
type call struct {
	method, path string
	as           Client
	tenant       string // sent as X-Scope-OrgID; "": not sent
	body         string
}

// send returns the status and the body of the gateway's answer.
func (s Story) send(ctx context.Context, client *http.Client, c call) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, c.method, s.Gateway+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0, "", err
	}
	request.SetBasicAuth(c.as.User, c.as.Password)
	if c.tenant != "" {
		request.Header.Set("X-Scope-OrgID", c.tenant)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("ask the gateway: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("read the gateway's answer: %w", err)
	}
	return response.StatusCode, string(answer), nil
}

// seen sends a query and returns the pushes in its answer, separated by commas.
func (s Story) seen(ctx context.Context, client *http.Client, c call) (string, error) {
	status, body, err := s.send(ctx, client, c)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", fmt.Errorf("the query as %s was answered %d: %s", c.as.User, status, strings.TrimSpace(body))
	}
	var answer Answer
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return "", fmt.Errorf("the query as %s was not answered with JSON: %w", c.as.User, err)
	}
	pushes := make([]string, 0, len(answer.Data.Result))
	for _, series := range answer.Data.Result {
		pushes = append(pushes, series.Metric["body"])
	}
	return strings.Join(pushes, ", "), nil
}
