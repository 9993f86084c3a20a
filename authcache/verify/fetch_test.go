package verify

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// provider is a real HTTPS server whose answers a test sets. It tells when it was asked.
type provider struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func newProvider(t testing.TB, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{}
	p.set(answer)
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	p.Config.ErrorLog = nil
	t.Cleanup(p.Close)
	return p
}

func (p *provider) set(answer http.HandlerFunc) { p.answer.Store(&answer) }

func (p *provider) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.Certificate())
	return pool
}

func text(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
}

func fetched(t testing.TB, o FetchOptions) *KeySet {
	t.Helper()
	set, err := FetchKeySet(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

// until waits, but not for ever, for what another goroutine brings about.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestKeysAreFetchedOverTLSFromTheOwnCA(t *testing.T) {
	p := newProvider(t, text(jwkSet(t, jwkOf(t, "rsa", "r"))))
	set := fetched(t, FetchOptions{URL: p.URL + "/keys?token=hidden", RootCAs: p.roots(), Interval: time.Hour})
	until(t, "the first fetch", set.Settled)
	tokens := tokensOf(t, IssuerOptions{KeySet: set})
	if reason := reasonOf(t, tokens, sign(t, "RS256", pairs()["rsa"], header{"kid": "r"}, claims(nil))); reason != "" {
		t.Error(reason)
	}
	if status := set.Status(); status.Name != p.URL+"/keys" || status.Keys != 1 || !status.Read || status.Err != nil || status.At.IsZero() {
		t.Errorf("%+v", status)
	}
	// Without its CA nothing is believed.
	strange := fetched(t, FetchOptions{URL: p.URL + "/keys?token=hidden", Interval: time.Hour})
	until(t, "the failure", func() bool { return strange.state.Load().err != nil })
	if err := strange.Status().Err; strange.Settled() || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

func TestNothingIsSettledBeforeTheFirstKeys(t *testing.T) {
	release := make(chan struct{})
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		w.Write(jwkSet(t, jwkOf(t, "rsa", "r")))
	})
	set := fetched(t, FetchOptions{URL: p.URL, RootCAs: p.roots(), Interval: time.Hour})
	tokens := tokensOf(t, IssuerOptions{KeySet: set})
	if tokens.Settled() || set.Status().Err == nil || set.Status().Read {
		t.Error("it is settled before the first keys came")
	}
	version := tokens.Version()
	if _, err := tokens.Verify(sign(t, "RS256", pairs()["rsa"], nil, claims(nil))); err == nil || err.(*Refusal).Again != nil || !err.(*Refusal).Unread {
		t.Errorf("got %+v", err)
	}
	if _, err := tokens.Verify(hs256(t, nil)); err == nil || err.(*Refusal).Unread {
		t.Errorf("a token of a secret: %+v", err)
	}
	close(release)
	until(t, "the first keys", tokens.Settled)
	if tokens.Version() == version {
		t.Error("the version did not grow with the first keys")
	}
}

func TestWhatAProviderMayAnswer(t *testing.T) {
	keys := jwkSet(t, jwkOf(t, "rsa", "r"))
	other := httptest.NewServer(text(keys))
	defer other.Close()
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/500":
			http.Error(w, string(keys), http.StatusInternalServerError)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/huge":
			io.WriteString(w, `{"keys":[`+strings.Repeat(" ", maxDocument)+`]}`)
		case "/cut":
			w.Header().Set("Content-Length", fmt.Sprint(len(keys)+10))
			w.Write(keys)
		case "/html":
			io.WriteString(w, "<html>sign in</html>")
		case "/empty":
			io.WriteString(w, `{"keys":[]}`)
		case "/secret":
			io.WriteString(w, `{"keys":[{"kty":"oct","k":"YW4gZXhhbXBsZSBzZWNyZXQgb2YgMzIgYnl0ZXMuLkE"}]}`)
		default:
			w.Write(keys)
		}
	})
	for path, want := range map[string]string{
		"/good": "", "/moved": "",
		"/loop": "more than 3 redirects", "/plain": "leaves https", "/500": "500 Internal Server Error; want 200", "/204": "want 200",
		"/huge": "over 1048576 bytes", "/cut": "unexpected EOF", "/html": "no JWK set", "/empty": "it is empty", "/secret": "no key in it that verifies",
	} {
		set := fetched(t, FetchOptions{URL: p.URL + path, RootCAs: p.roots(), Interval: time.Hour})
		until(t, path, func() bool { return set.Settled() || set.state.Load().err != nil })
		if err := set.Status().Err; want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got error %v, want one with %q", path, err, want)
		}
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		options FetchOptions
		want    string
	}{
		{FetchOptions{}, "neither a URL nor an issuer"},
		{FetchOptions{URL: "ftp://id.example/keys"}, `scheme "ftp"`},
		{FetchOptions{URL: "https://"}, "host"},
		{FetchOptions{URL: "https://user:canary@id.example/"}, "user name or password"},
		{FetchOptions{Issuer: "accounts.example"}, "want https://"},
		{FetchOptions{URL: "https://id.example/%zz"}, "cannot be read"},
	} {
		if set, err := FetchKeySet(test.options); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: got error %v, want one with %q", test.options, err, test.want)
			if set != nil {
				set.Close()
			}
		}
	}
}

func TestAnIssuerTellsWhereItsKeysAre(t *testing.T) {
	keys := jwkSet(t, jwkOf(t, "rsa", "r"))
	var p *provider
	configuration := map[string]string{}
	p = newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tenant/.well-known/openid-configuration":
			json.NewEncoder(w).Encode(configuration)
		case "/keys":
			w.Write(keys)
		default:
			http.NotFound(w, r)
		}
	})
	for _, test := range []struct{ issuer, says, keys, want string }{
		{"/tenant", "/tenant", p.URL + "/keys", ""},
		{"/tenant/", "/tenant/", p.URL + "/keys", ""},
		{"/tenant", "/tenant/", p.URL + "/keys", "want both spelled the same"},
		{"/tenant", "/tenant", "http://id.example/keys", "leaves https"},
		{"/tenant", "/tenant", "", "jwks_uri"},
		{"/other", "/other", p.URL + "/keys", "404"},
	} {
		configuration["issuer"], configuration["jwks_uri"] = p.URL+test.says, test.keys
		set := fetched(t, FetchOptions{Issuer: p.URL + test.issuer, RootCAs: p.roots(), Interval: time.Hour})
		until(t, "an outcome", func() bool { return set.Settled() || set.state.Load().err != nil })
		if err := set.Status().Err; test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: got error %v", test, err)
		}
		set.Close()
	}
}

func TestKeysRotateAndOutlastAnOutage(t *testing.T) {
	p := newProvider(t, text(jwkSet(t, jwkOf(t, "rsa", "one"))))
	set := fetched(t, FetchOptions{URL: p.URL, RootCAs: p.roots(), Interval: 20 * time.Millisecond})
	tokens := tokensOf(t, IssuerOptions{KeySet: set})
	one := sign(t, "RS256", pairs()["rsa"], header{"kid": "one"}, claims(nil))
	two := sign(t, "RS256", pairs()["rsa2"], header{"kid": "two"}, claims(nil))
	until(t, "the first keys", set.Settled)
	first, err := tokens.Verify(one)
	if err != nil {
		t.Fatal(err)
	}
	p.set(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
	until(t, "the outage", func() bool { return !set.Settled() })
	if reasonOf(t, tokens, one) != "" || !first.Current() {
		t.Error("the last keys are not kept while the provider is down")
	}
	if _, err := tokens.Verify(two); err == nil || err.(*Refusal).Again != nil || err.(*Refusal).Unread {
		t.Errorf("an unknown key during the outage: %+v", err)
	}
	p.set(text(jwkSet(t, changedJWK(jwkOf(t, "rsa", "one"), "n", "?"), jwkOf(t, "rsa2", "two"))))
	until(t, "the new key beside a damaged one", func() bool { return reasonOf(t, tokens, two) == "" })
	if reasonOf(t, tokens, one) != "" || !first.Current() || set.Settled() {
		t.Error("a damaged key is taken for none")
	}
	p.set(text(jwkSet(t, jwkOf(t, "rsa2", "two"))))
	until(t, "the new keys", set.Settled)
	if reasonOf(t, tokens, one) != UnknownKey || first.Current() || !set.Settled() {
		t.Error("the old key is still in force")
	}
}

// canned answers without a network, so that time can be faked.
type canned struct {
	mu    sync.Mutex
	body  []byte
	took  time.Duration
	fails bool
	asked []time.Time
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Now())
	if c.took > 0 {
		c.mu.Unlock()
		select {
		case <-time.After(c.took):
		case <-r.Context().Done():
			c.mu.Lock()
			return nil, r.Context().Err()
		}
		c.mu.Lock()
	}
	if c.fails {
		return nil, errors.New("is away")
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(c.body))), Request: r}, nil
}

func (c *canned) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

func (c *canned) set(body []byte, took time.Duration, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body, c.took, c.fails = body, took, fails
}

func TestAnUnknownKeyBringsOneFetchAnInterval(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{body: jwkSet(t, jwkOf(t, "rsa", "one"))}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Hour, transport: web})
		defer set.Close()
		tokens := tokensOf(t, IssuerOptions{KeySet: set})
		synctest.Wait()
		time.Sleep(10 * time.Minute)
		web.set(jwkSet(t, jwkOf(t, "rsa", "one"), jwkOf(t, "rsa2", "two")), time.Second, false)
		two := sign(t, "RS256", pairs()["rsa2"], header{"kid": "two"}, claims(jwtLong))

		// A known key with a bad signature is no reason to ask.
		if _, err := tokens.Verify(sign(t, "RS256", pairs()["rsa2"], header{"kid": "one"}, claims(jwtLong))); err.(*Refusal).Again != nil {
			t.Error("a bad signature promises another reading")
		}
		// Many ask, and all are told of one fetch.
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				_, err := tokens.Verify(two)
				again := err.(*Refusal).Again
				if again == nil {
					t.Error("no other reading is promised")
					return
				}
				<-again
				if reason := reasonOf(t, tokens, two); reason != "" {
					t.Errorf("after it: %q", reason)
				}
			})
		}
		wait.Wait()
		if n := web.count(); n != 2 {
			t.Fatalf("%d fetches, want 2", n)
		}
		// The next unknown one within the hour may be of a key that is new since.
		refusal := func(kid string) *Refusal {
			_, err := tokens.Verify(sign(t, "ES256", pairs()["p256"], header{"kid": kid}, claims(jwtLong)))
			return err.(*Refusal)
		}
		three := sign(t, "RS256", pairs()["rsa"], header{"kid": "three"}, claims(jwtLong))
		for range 10 {
			if _, err := tokens.Verify(three); err.(*Refusal).Again != nil || err.(*Refusal).Reason != UnknownKey || !err.(*Refusal).Doubt {
				t.Fatalf("got %+v", err)
			}
		}
		time.Sleep(30 * time.Minute)
		if n := web.count(); n != 2 {
			t.Fatalf("%d fetches, want 2", n)
		}
		time.Sleep(40 * time.Minute) // the scheduled one, an hour after the last, give or take a tenth
		if n := web.count(); n != 3 {
			t.Fatalf("%d fetches, want 3", n)
		}
		r := refusal("four")
		if r.Again == nil {
			t.Fatal("an hour later it may be asked again")
		}
		<-r.Again
		// The keys were read since these two were first asked for: nobody has them.
		for _, kid := range []string{"three", "four"} {
			if r := refusal(kid); r.Doubt || r.Again != nil {
				t.Errorf("%s is still in doubt: %+v", kid, r)
			}
		}
		if r := refusal("five"); !r.Doubt {
			t.Error("one that is new is not in doubt")
		}
		// One that the last reading took away is no doubt at all.
		web.set(jwkSet(t, jwkOf(t, "rsa", "")), 0, false)
		time.Sleep(70 * time.Minute)
		<-refusal("six").Again
		if _, err := tokens.Verify(two); err.(*Refusal).Doubt || err.(*Refusal).Again != nil {
			t.Errorf("a token of a key that went: %+v", err)
		}
		// Keys without an ID are told apart by what they sign.
		anonymous := func(signer, sub string) *Refusal {
			_, err := tokens.Verify(sign(t, "RS256", pairs()[signer], nil, claims(jwt.MapClaims{"exp": 9999999999, "sub": sub})))
			if err == nil {
				return nil
			}
			return err.(*Refusal)
		}
		if r := anonymous("rsa", "a"); r != nil {
			t.Errorf("a token of the key gets %+v", r)
		}
		for _, sub := range []string{"a", "b"} {
			if r := anonymous("rsa2", sub); r == nil || !r.Doubt {
				t.Errorf("a token of another key is not in doubt: %+v", r)
			}
		}
		time.Sleep(70 * time.Minute)
		<-refusal("seven").Again
		if r := anonymous("rsa2", "a"); r == nil || r.Doubt {
			t.Errorf("it is in doubt for ever: %+v", r)
		}
		if r := anonymous("rsa2", "c"); r == nil || !r.Doubt {
			t.Errorf("a new one is not in doubt: %+v", r)
		}
	})
}

// TestAKeyOfAnotherKindMayBeNew: a provider that gives its keys no IDs goes over from RSA to ECDSA.
func TestAKeyOfAnotherKindMayBeNew(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{body: jwkSet(t, jwkOf(t, "rsa", ""))}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Hour, transport: web})
		defer set.Close()
		synctest.Wait()
		web.set(jwkSet(t, jwkOf(t, "p256", "")), time.Second, false)
		by := func(algorithm string, key any, id header) []byte { return sign(t, algorithm, key, id, claims(jwtLong)) }
		next := by("ES256", pairs()["p256"], nil)
		for _, c := range []struct {
			name    string
			options IssuerOptions
			token   []byte
			want    Reason
		}{
			{"of an algorithm that is not taken", IssuerOptions{Algorithms: []string{"RS256"}}, next, BadAlgorithm},
			{"of a secret", IssuerOptions{}, by("HS256", []byte(secretA), nil), BadAlgorithm},
			{"of a secret with an ID", IssuerOptions{}, by("HS256", []byte(secretA), header{"kid": "new"}), BadAlgorithm},
			{"of another secret", IssuerOptions{Keys: []*Key{secretKey(t, secretB)}}, by("HS256", []byte(secretA), nil), BadSignature},
		} {
			c.options.KeySet = set
			_, err := tokensOf(t, c.options).Verify(c.token)
			if r := err.(*Refusal); r.Reason != c.want || r.Again != nil || r.Doubt {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
		tokens := tokensOf(t, IssuerOptions{KeySet: set, Algorithms: []string{"RS256", "ES256", "EdDSA"}})
		_, err := tokens.Verify(next)
		if r := err.(*Refusal); r.Reason != UnknownKey || r.Again == nil {
			t.Fatalf("no other reading is promised: %+v", r)
		}
		<-err.(*Refusal).Again
		if reason := reasonOf(t, tokens, next); reason != "" {
			t.Errorf("after it: %q", reason)
		}
		if _, err := tokens.Verify(by("EdDSA", pairs()["ed25519"], nil)); !err.(*Refusal).Doubt {
			t.Errorf("one of a third kind is not in doubt: %+v", err)
		}
	})
}

// TestManyMadeUpKeysAreForgotten: what is remembered of keys that nobody has is bounded.
func TestManyMadeUpKeysAreForgotten(t *testing.T) {
	var m misses
	if m.first("a", 3, time.Hour) != 3 || m.first("a", 5, time.Hour) != 3 {
		t.Error("when a key was first asked for is not remembered")
	}
	for n := range 3 * maxMisses {
		m.first(fmt.Sprint(n), 7, time.Hour)
		if len(m) > maxMisses {
			t.Fatalf("%d are remembered", len(m))
		}
	}
	if m.first("a", 9, time.Hour) != 9 {
		t.Error("nothing was forgotten")
	}
}

// TestAKeyThatWasMissedLongAgoMayBeNew: somebody asked for it before the provider had it.
func TestAKeyThatWasMissedLongAgoMayBeNew(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{body: jwkSet(t, jwkOf(t, "rsa", "one"))}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Hour, transport: web})
		defer set.Close()
		synctest.Wait()
		again, _ := set.missing("other")
		<-again
		// Within the interval of that fetch there is no other one.
		if again, doubt := set.missing("next year"); again != nil || !doubt {
			t.Error("a new one is not in doubt")
		}
		time.Sleep(70 * time.Minute)
		again, _ = set.missing("other")
		<-again
		if again, doubt := set.missing("next year"); again != nil || doubt {
			t.Error("the set was read without it, and it is in doubt")
		}
		time.Sleep(55 * time.Minute)
		if again, doubt := set.missing("next year"); again != nil || !doubt {
			t.Error("two intervals later it is still wrong")
		}
	})
}

// jwtLong is for a token that lasts as long as the test.
var jwtLong = map[string]any{"exp": 9999999999}

func TestAFailingProviderIsAskedLessAndLess(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{fails: true}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: 5 * time.Minute, transport: web})
		defer set.Close()
		time.Sleep(time.Hour)
		// 1, 2, 4 … 16 s, and every half minute from then on, give or take a tenth.
		if n := web.count(); n < 108 || n > 140 {
			t.Errorf("asked %d times in an hour", n)
		}
		if set.Settled() || set.Status().Read {
			t.Error("it is settled")
		}
		web.set(jwkSet(t, jwkOf(t, "rsa", "one")), 0, false)
		time.Sleep(33 * time.Second)
		if !set.Settled() {
			t.Error("it did not recover")
		}
		// From then on a failure is followed up quickly again.
		web.set(nil, 0, true)
		for set.Settled() {
			time.Sleep(time.Second / 2)
		}
		web.set(jwkSet(t, jwkOf(t, "rsa", "one")), 0, false)
		time.Sleep(2 * time.Second)
		if !set.Settled() {
			t.Error("a short failure was not followed up")
		}
	})
}

// A short interval is that of retries too.
func TestAFailingProviderIsAskedAtEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := &canned{fails: true}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: 3 * time.Second, transport: web})
		defer set.Close()
		time.Sleep(time.Minute)
		if n := web.count(); n < 18 || n > 24 {
			t.Errorf("asked %d times in a minute", n)
		}
	})
}

func TestASlowProviderIsGivenUp(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{body: jwkSet(t, jwkOf(t, "rsa", "one")), took: time.Minute}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Hour, transport: web})
		defer set.Close()
		time.Sleep(fetchTimeout - time.Nanosecond)
		if set.state.Load().err != nil {
			t.Error("it is given up too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if set.state.Load().err == nil {
			t.Error("it is not given up")
		}
	})
}

func TestClosingASetTellsWhoWaits(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		web := &canned{body: jwkSet(t, jwkOf(t, "rsa", "one"))}
		set := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Hour, transport: web})
		synctest.Wait()
		web.set(nil, time.Minute, false)
		again, _ := set.missing("key")
		synctest.Wait()
		set.Close()
		<-again
		if again, doubt := set.missing("key"); again != nil || !doubt {
			t.Error("a closed set promises another reading")
		}
		if !set.Settled() || set.Status().Keys != 1 {
			t.Error("the keys did not stay")
		}
		// Another one takes over from where it was.
		next := fetched(t, FetchOptions{URL: "https://id.example/keys", Interval: time.Minute, From: set, transport: &canned{fails: true}})
		defer next.Close()
		if next.Status().Keys != 1 || !next.Settled() {
			t.Error("the keys were not taken over")
		}
	})
}

func TestTheNameOfASetHasNoSecrets(t *testing.T) {
	u := url.URL{Scheme: "https", Host: "id.example", Path: "/keys", RawQuery: "key=canary", Fragment: "canary"}
	pairs()
	synctest.Test(t, func(t *testing.T) {
		set := fetched(t, FetchOptions{URL: u.String(), transport: &canned{fails: true}})
		defer set.Close()
		synctest.Wait()
		if text := fmt.Sprint(set.Status()); strings.Contains(text, "canary") || !strings.Contains(text, "is away") {
			t.Error(text)
		}
	})
}
