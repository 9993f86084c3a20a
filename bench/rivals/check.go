package rivals

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/procfs"
)

// refused stands for any status of the client's fault.
const refused = 401

// Check tries whether a proxy does the work: the last tenant's credential is good for a query and a push, the tenant is
// ours and sent once, the credential is not passed on, and with a wrong or missing one nothing is. (All answer 401 to a missing
// one; vmauth 1.79 answers 400 to a wrong one.)
func (r *Running) Check(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	scheme := "http"
	if certificate := r.Setting.Certificate; certificate != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(certificate.PEM())
		client.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
		scheme = "https"
	}
	tenant := r.Setting.Tenants[len(r.Setting.Tenants)-1]
	origin := scheme + "://" + r.Setting.Listen.String()
	for _, try := range []struct {
		what, method, path, authorization string
		status                            int
		head                              bool // the answer is the head that the upstream got
	}{
		{"a query", "GET", payload.EchoPath, tenant.Authorization(), 200, true},
		{"a push", "POST", "/api/v1/push", tenant.Authorization(), 200, false},
		{"a wrong password", "GET", payload.EchoPath, payload.Basic(tenant.User, tenant.Password+"x"), refused, false},
		{"no credential", "GET", payload.EchoPath, "", 401, false},
	} {
		request, err := http.NewRequestWithContext(ctx, try.method, origin+try.path, bytes.NewReader([]byte("body")))
		if err != nil {
			return err
		}
		if try.method == "GET" {
			request.Body, request.ContentLength = nil, 0
		}
		request.Header.Set("X-Scope-OrgID", "somebody-else")
		if try.authorization != "" {
			request.Header.Set("Authorization", try.authorization)
		}
		status, body, err := do(client, request)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", r.Variant.Name, try.what, err)
		}
		if status != try.status && !(try.status == refused && status >= 400 && status < 500) {
			return fmt.Errorf("%s: %s was answered %d: want %d%s", r.Variant.Name, try.what, status, try.status, r.lastWords())
		}
		if !try.head {
			continue
		}
		if err := checkHead(body, tenant.ID); err != nil {
			return fmt.Errorf("%s: %w", r.Variant.Name, err)
		}
	}
	// Not sooner: nginx listens before it has started its worker, which has answered by now.
	var err error
	r.PIDs, err = procfs.Tree(r.cmd.Process.Pid)
	return err
}

// acceptPatience is how long a proxy may ask a client to try again, which headgate does while slow checks wait.
const acceptPatience = 20 * time.Second

// Accepts tries whether a credential is good for a push. A 503 is tried again for a while, as senders do.
func (r *Running) Accepts(ctx context.Context, authorization string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: acceptPatience}
	for over := time.Now().Add(acceptPatience); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.Setting.Listen.String()+"/api/v1/push", strings.NewReader("body"))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", authorization)
		status, text, err := do(client, request)
		switch {
		case err != nil:
			return fmt.Errorf("%s: a push: %w", r.Variant.Name, err)
		case status == http.StatusOK:
			r.PIDs, err = procfs.Tree(r.cmd.Process.Pid)
			return err
		case status != http.StatusServiceUnavailable || time.Now().After(over):
			return fmt.Errorf("%s: a push was answered %d: %s%s", r.Variant.Name, status, strings.TrimSpace(text), r.lastWords())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func do(client *http.Client, request *http.Request) (int, string, error) {
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, string(body), err
}

// checkHead looks at the head of a request as the upstream got it.
func checkHead(head, tenant string) error {
	var sent []string
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "x-scope-orgid":
			sent = append(sent, strings.TrimSpace(value))
		case "authorization":
			if strings.TrimSpace(value) != "" {
				return fmt.Errorf("the credential is passed on to the upstream")
			}
		}
	}
	if len(sent) != 1 || sent[0] != tenant {
		return fmt.Errorf("the upstream got the tenants %q: want %q alone", sent, tenant)
	}
	return nil
}
