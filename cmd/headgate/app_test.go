package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds every wait of these tests; none of them gets near it unless something is broken.
const patience = 30 * time.Second

// seenRequest is what an upstream got.
type seenRequest struct {
	Method, Path, Query, Tenant, Body, UserAgent string
	Credential                                   bool // any Authorization at all
}

// upstream records what it gets, and answers 200 with the tenant.
type upstream struct {
	URL  string
	end  func() // nobody answers any more
	mu   sync.Mutex
	got  []seenRequest
	hold chan struct{} // not nil: requests wait until it is closed

	answer string // "": the tenant
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	u.URL, u.end = server.URL, server.Close
	return u
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	u.mu.Lock()
	u.got = append(u.got, seenRequest{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Tenant: strings.Join(r.Header.Values("X-Scope-OrgID"), ","),
		Body: string(body), UserAgent: r.UserAgent(), Credential: r.Header.Get("Authorization") != "",
	})
	hold := u.hold
	u.mu.Unlock()
	if hold != nil {
		<-hold
	}
	_, _ = io.WriteString(w, cmp.Or(u.answer, "for "+r.Header.Get("X-Scope-OrgID")))
}

// seen returns what came so far.
func (u *upstream) seen() []seenRequest {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]seenRequest(nil), u.got...)
}

// running is an App that serves, with its configuration file and its log.
type running struct {
	*App
	t       *testing.T
	file    string
	log     *lockedBuffer
	reloads chan os.Signal
	ends    chan os.Signal
	ended   chan error
}

// signal is a signal to the process.
func (r *running) signal(s os.Signal) {
	if s == syscall.SIGHUP {
		r.reloads <- s
		return
	}
	r.ends <- s
}

// start runs an App on this configuration until the end of the test, and checks that nothing is left of it then.
func start(t *testing.T, toml string) *running {
	t.Helper()
	return startWith(t, toml, AppOptions{})
}

// startWith is start with further options.
func startWith(t *testing.T, toml string, o AppOptions) *running {
	t.Helper()
	checkLeaks(t)
	r := &running{
		t: t, file: filepath.Join(t.TempDir(), "headgate.toml"), log: &lockedBuffer{},
		reloads: make(chan os.Signal, 4), ends: make(chan os.Signal, 4), ended: make(chan error, 1),
	}
	r.write(toml)
	o.ConfigFile, o.Log = r.file, r.log
	app, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.App = app
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- app.Run(ctx, Signals{Reload: r.reloads, End: r.ends})
	}()
	t.Cleanup(func() {
		stop()
		<-done
		if t.Failed() {
			t.Logf("the log:\n%s", r.log)
		}
	})
	return r
}

// checkLeaks fails the test if a goroutine outlives it, those of the parts above that end last included.
func checkLeaks(t *testing.T) {
	t.Helper()
	already := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, already,
			// These two of fasthttp look up only once in a while, and see then that they are no longer needed.
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		)
	})
}

// write replaces the configuration file.
func (r *running) write(toml string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(toml), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits for Run to end.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatal("Run did not end")
		return nil
	}
}

// url is an address of the gateway itself.
func (r *running) url(path string) string { return "http://" + r.Addrs()[0].String() + path }

// adminURL is an address of the admin listener.
func (r *running) adminURL(path string) string { return "http://" + r.AdminAddr().String() + path }

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// client is an HTTP client whose connections end with the test.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// request is one request of a test.
type request struct {
	method, url    string
	user, password string
	tenant, body   string
	token          string // instead of user and password
}

// send returns the answer, or the error of a request that had none.
func (r request) send(client *http.Client) (answer, error) {
	req, err := http.NewRequest(r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if r.user != "" {
		req.SetBasicAuth(r.user, r.password)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.tenant != "" {
		req.Header.Set("X-Scope-OrgID", r.tenant)
	}
	response, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// must is send where an answer has to come.
func (r request) must(t *testing.T, client *http.Client) answer {
	t.Helper()
	a, err := r.send(client)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eventually waits until a condition holds that nothing announces.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("it never came to this: %s", what)
		case <-look.C:
		}
	}
}

// gate is a configuration of a gateway on loopback with what else it needs.
func gate(rest string) string {
	return `
[server]
listen = "127.0.0.1:0"
drain_delay = "0s"
[admin]
listen = "127.0.0.1:0"
` + rest
}

// everything sends all components to one upstream; its connections rest only shortly, so that the goroutine that
// watches them ends with the test.
func everything(url string) string {
	return "[upstreams.all]\nurl = \"" + url + "\"\nidle_timeout = \"50ms\"\n"
}

// tenant is a [[tenants]] table.
func tenant(id, user, password string) string {
	return "[[tenants]]\nid = \"" + id + "\"\nusername = \"" + user + "\"\npassword = \"" + password + "\"\n"
}

// refusesConnections reports whether nobody listens there any more.
func refusesConnections(address string) bool {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}
