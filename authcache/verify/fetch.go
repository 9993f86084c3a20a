package verify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Bounds of fetching.
const (
	DefaultRefreshInterval = 5 * time.Minute
	fetchTimeout           = 10 * time.Second // for one document, to its last byte
	maxDocument            = 1 << 20          // bytes
	maxRedirects           = 3
	firstRetry             = time.Second      // after a failure; doubled up to lastRetry and the interval
	lastRetry              = 30 * time.Second // until it is good, new tokens are in doubt
)

// FetchOptions say where a set of keys is fetched from.
type FetchOptions struct {
	// URL of the JWK set. Empty: what the issuer's OpenID configuration names as its jwks_uri.
	URL string
	// Issuer whose OpenID configuration is asked when there is no URL.
	Issuer string
	// RootCAs are who may vouch for the server. nil: the system's.
	RootCAs *x509.CertPool
	// Interval between two fetches, give or take a tenth. 0: DefaultRefreshInterval. A token of a key that is not in
	// the set brings one fetch forward, once in such an interval.
	Interval time.Duration
	// From is an older set of the same provider, whose keys are in force until the first fetch; nil: none are. Its owner
	// closes it.
	From *KeySet
	// Fetched is told how each fetch ended, with the error that the set is in then, nil for none: one at a time, from a
	// goroutine of the set's, which Close waits for. nil: nobody is.
	Fetched func(err error)

	transport http.RoundTripper // of tests
}

// fetcher keeps a KeySet up to date in the background.
type fetcher struct {
	set      *KeySet
	options  FetchOptions
	client   *http.Client
	interval time.Duration

	cancel context.CancelFunc
	done   sync.WaitGroup
	wake   chan struct{} // a reading out of turn is wanted

	mu        sync.Mutex
	closed    bool
	running   chan struct{} // closed when the fetch under way is over; nil when there is none
	wanted    chan struct{} // closed when the fetch that was asked for is over; nil when none was
	lastExtra time.Time
	begun     uint64 // fetches so far
	good      uint64 // the last of them that was good
	missed    misses
}

// FetchKeySet returns a set that fetches its keys in the background, at once and then at every interval, until it is
// closed. It never blocks; until the first fetch succeeded the set is not settled.
func FetchKeySet(o FetchOptions) (*KeySet, error) {
	source := o.URL
	if source == "" {
		if o.Issuer == "" {
			return nil, errors.New("there is neither a URL nor an issuer to fetch keys from")
		}
		source = discoveryURL(o.Issuer)
	}
	if err := checkURL(source); err != nil {
		return nil, err
	}
	name := source
	if u, err := url.Parse(source); err == nil {
		u.RawQuery, u.Fragment = "", "" // may hold a secret, and are of no use to a reader
		name = u.String()
	}
	s := NewKeySet(name)
	if o.From != nil {
		s.adopt(o.From)
	}
	if o.Fetched == nil {
		o.Fetched = func(error) {}
	}
	if o.Interval <= 0 {
		o.Interval = DefaultRefreshInterval
	}
	transport := o.transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
		own.DisableKeepAlives = true // minutes pass between two fetches
		transport = own
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &fetcher{
		set: s, options: o, interval: o.Interval, cancel: cancel, wake: make(chan struct{}, 1),
		client: &http.Client{Transport: transport, Timeout: fetchTimeout, CheckRedirect: checkRedirect},
	}
	s.fetcher = f
	f.done.Go(func() { f.run(ctx) })
	return s, nil
}

// checkURL takes no userinfo: it would be a secret that ends up in texts.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("the URL of the keys cannot be read; want https://…")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("the URL of the keys has scheme %q and host %q; want https://…", u.Scheme, u.Host)
	case u.User != nil:
		return errors.New("the URL of the keys has a user name or password in it; want none")
	}
	return nil
}

func checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("a redirect leaves https")
	}
	return checkURL(next.URL.String())
}

func discoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// run fetches until it is cancelled.
func (f *fetcher) run(ctx context.Context) {
	retry := firstRetry
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-f.wake:
		}
		f.begin()
		err := f.fetch(ctx)
		if ctx.Err() != nil {
			f.end(ctx.Err())
			return
		}
		wait := f.interval
		if err != nil {
			err = f.set.Failed(err)
			wait = min(retry, f.interval)
			retry = min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		f.end(err)
		f.options.Fetched(err)
		timer.Reset(jitter(wait))
	}
}

// jitter is give or take a tenth, so that the gateways of a fleet do not ask together.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d/5)+1))
}

// begin turns the wish for a reading into the reading under way.
func (f *fetcher) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	f.running, f.wanted = f.wanted, nil
	if f.running == nil {
		f.running = make(chan struct{})
	}
	select {
	case <-f.wake: // this is the reading it asked for
	default:
	}
}

// end tells who waits.
func (f *fetcher) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.good = f.begun
	}
	close(f.running)
	f.running = nil
}

// missing implements KeySet.missing.
func (f *fetcher) missing(key string) (again <-chan struct{}, doubt bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.missed.first(key, f.begun, missLife*f.interval)
	switch {
	case f.running != nil:
		return f.running, false
	case f.wanted != nil:
		return f.wanted, false
	case f.closed || !f.lastExtra.IsZero() && time.Since(f.lastExtra) < f.interval:
		return nil, f.good <= first
	}
	f.lastExtra = time.Now()
	f.wanted = make(chan struct{})
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return f.wanted, false
}

// close ends the fetching; who waits for a reading is told that it is over.
func (f *fetcher) close() {
	f.cancel()
	f.done.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.wanted != nil {
		close(f.wanted)
		f.wanted = nil
	}
}

// fetch reads the keys once.
func (f *fetcher) fetch(ctx context.Context) error {
	source := f.options.URL
	if source == "" {
		found, err := f.discover(ctx)
		if err != nil {
			return err
		}
		source = found
	}
	text, err := f.get(ctx, source)
	if err != nil {
		return err
	}
	all, err := parseKeySet(f.set.name, text)
	if err != nil {
		f.set.add(all)
		return err
	}
	f.forget(f.set.replace(all))
	return nil
}

// forget notes that the provider does not have these keys any more: of what they sign there is no doubt.
func (f *fetcher) forget(gone []*Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range gone {
		if key.id != "" {
			f.missed.first(key.id, f.begun-1, missLife*f.interval)
		}
	}
}

// discover asks the issuer where its keys are (OpenID Connect Discovery 1.0, section 4).
func (f *fetcher) discover(ctx context.Context) (string, error) {
	text, err := f.get(ctx, discoveryURL(f.options.Issuer))
	if err != nil {
		return "", err
	}
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &configuration); err != nil {
		return "", fmt.Errorf("it is no OpenID configuration: %w", err)
	}
	if configuration.Issuer != f.options.Issuer {
		return "", fmt.Errorf("the OpenID configuration is of issuer %.200q, not %q; want both spelled the same", configuration.Issuer, f.options.Issuer)
	}
	if err := checkURL(configuration.Keys); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if strings.HasPrefix(f.options.Issuer, "https:") && !strings.HasPrefix(configuration.Keys, "https:") {
		return "", errors.New("jwks_uri leaves https")
	}
	return configuration.Keys, nil
}

// get reads one document.
func (f *fetcher) get(ctx context.Context, source string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := f.client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the URL, whose query may be a secret
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s; want 200", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("the answer is over %d bytes", maxDocument)
	}
	return text, nil
}
