package authcache

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/headgate/authcache/verify"
)

const tokenSecret = "an example secret of 32 bytes..A"

// signed is what a request with a token of these claims shows; nil takes a claim out.
func signed(t testing.TB, changed jwt.MapClaims) Credential {
	t.Helper()
	claims := jwt.MapClaims{"tenant_id": "team-a", "sub": "agent", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return bearer(text)
}

func newSecret(t testing.TB, secret string) *verify.Key {
	t.Helper()
	key, err := verify.NewSecret("secret", []byte(secret), verify.WantLong)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func tokensOf(t testing.TB, o verify.IssuerOptions) *verify.Tokens {
	t.Helper()
	if o.Keys == nil && o.KeySet == nil {
		o.Keys = []*verify.Key{newSecret(t, tokenSecret)}
	}
	tokens, err := verify.NewTokens(verify.TokenOptions{Default: &o})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// taking returns a cache that takes tokens of these options.
func taking(t testing.TB, o verify.IssuerOptions) *Cache {
	c := opened(Options{})
	c.UseTokens(TokenOptions{Tokens: tokensOf(t, o), DefaultScopes: Write})
	return c
}

func TestWhoATokenIs(t *testing.T) {
	many := []string{"c", "a", "b", "a"}
	tests := []struct {
		name   string
		claims jwt.MapClaims
		scopes string // the scopes claim's name
		want   *Identity
	}{
		{"one tenant", nil, "", &Identity{Tenant: "team-a", Client: "agent", Scopes: Write}},
		{"list of one", jwt.MapClaims{"tenant_id": []string{"a"}}, "", &Identity{Tenant: "a", Client: "agent", Scopes: Write}},
		{"several", jwt.MapClaims{"tenant_id": many}, "", &Identity{Client: "agent", Scopes: Write, Reach: reachOf(t, many, many, many)}},
		{"scopes", jwt.MapClaims{"scope": "read rules everything"}, "scope", &Identity{Tenant: "team-a", Client: "agent", Scopes: Read | Rules}},
		{"no scopes", nil, "scope", &Identity{Tenant: "team-a", Client: "agent"}},
		{"odd subject", jwt.MapClaims{"sub": "a b\n"}, "", &Identity{Tenant: "team-a", Client: SafeClient("a b\n"), Scopes: Write}},
		{"no subject", jwt.MapClaims{"sub": nil}, "", &Identity{Tenant: "team-a", Client: SafeClient(""), Scopes: Write}},
		{"no tenant", jwt.MapClaims{"tenant_id": nil}, "", nil},
		{"empty tenant", jwt.MapClaims{"tenant_id": ""}, "", nil},
		{"invalid tenant", jwt.MapClaims{"tenant_id": "a|b"}, "", nil},
		{"one invalid tenant", jwt.MapClaims{"tenant_id": []string{"a", "../b"}}, "", nil},
		{"every tenant", jwt.MapClaims{"tenant_id": []string{"*", "a"}}, "", nil},
		{"with an ID", jwt.MapClaims{"jti": "a\tb"}, "", &Identity{Tenant: "team-a", Client: "agent", Scopes: Write}},
		{"several, with an ID", jwt.MapClaims{"jti": "c", "tenant_id": many}, "", &Identity{Client: "agent", Scopes: Write, Reach: reachOf(t, many, many, many)}},
		{"star alone", jwt.MapClaims{"tenant_id": "*"}, "", &Identity{Tenant: "*", Client: "agent", Scopes: Write}},
	}
	for _, test := range tests {
		c := taking(t, verify.IssuerOptions{ScopesClaim: test.scopes})
		cred := signed(t, test.claims)
		for range 2 {
			identity, verdict := c.Authenticate(cred)
			switch {
			case test.want == nil && (verdict != Forbidden || identity != nil):
				t.Errorf("%s: %v %v, want forbidden", test.name, verdict, identity)
			case test.want != nil && (verdict != Accepted || !identity.Equal(test.want)):
				t.Errorf("%s: %v %+v, want %+v", test.name, verdict, identity, test.want)
			case test.want != nil && identity.TokenID() != fmt.Sprint(cmp.Or(test.claims["jti"], any(""))):
				t.Errorf("%s: its ID is %q, want %v", test.name, identity.TokenID(), test.claims["jti"])
			}
		}
		c.Close()
	}
}

func TestATokenIsVerifiedOnceAndNoLongerThanItIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := taking(t, verify.IssuerOptions{Leeway: 30 * time.Second})
		defer c.Close()
		exp := time.Now().Add(time.Hour)
		cred := signed(t, jwt.MapClaims{"exp": exp.Unix()})
		var wait sync.WaitGroup
		for range 1000 {
			wait.Go(func() { expect(t, c, cred, Accepted, "team-a") })
		}
		wait.Wait()
		if n := c.metrics.accepted.Get(); n != 1 {
			t.Errorf("verified %d times", n)
		}
		time.Sleep(time.Until(exp.Add(30*time.Second)) - time.Nanosecond)
		expect(t, c, cred, Accepted, "team-a")
		if n := c.metrics.accepted.Get(); n != 1 {
			t.Errorf("verified %d times", n)
		}
		time.Sleep(time.Nanosecond)
		expect(t, c, cred, Expired, "")
		time.Sleep(time.Minute)
		if c.verified.Size() != 0 || c.signed.order.Len() != 0 || c.tokenCount.Load() != 0 {
			t.Error("it is still in the table")
		}
		expect(t, c, signed(t, jwt.MapClaims{"nbf": time.Now().Add(40 * time.Second).Unix()}), Early, "")
	})
}

func TestTimeToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{}), DefaultScopes: Write})
		c.SetBounds(Bounds{TTL: time.Minute})
		mustReplace(t, c, "file", hashed("a", "user", slowHash(time.Millisecond, "secret")), generated("g", "generated", "secret"))
		token := signed(t, nil)
		ask := func() {
			t.Helper()
			expect(t, c, basic("user", "secret"), Accepted, "a")
			expect(t, c, basic("generated", "secret"), Accepted, "g")
			expect(t, c, token, Accepted, "team-a")
		}
		counts := func(want int64) {
			t.Helper()
			if checks.Load() != want || int64(c.metrics.accepted.Get()) != 2*want {
				t.Errorf("%d hashes, %d in all; want %d of each kind", checks.Load(), c.metrics.accepted.Get(), want)
			}
		}
		ask()
		time.Sleep(58 * time.Second)
		ask()
		counts(1)
		time.Sleep(2 * time.Second)
		ask()
		counts(2)
		if c.verified.Size() != 3 {
			t.Errorf("%d in the table, want 3", c.verified.Size())
		}
		c.SetBounds(Bounds{})
		time.Sleep(10 * time.Minute)
		ask()
		counts(2)
	})
}

func TestTokensAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := taking(t, verify.IssuerOptions{})
		defer c.Close()
		c.SetBounds(Bounds{MaxTokens: 10})
		mustReplace(t, c, "file", hashed("s", "slow", fakeHash("secret")))
		expect(t, c, basic("slow", "secret"), Accepted, "s")
		busy := signed(t, jwt.MapClaims{"tenant_id": "busy"})
		expect(t, c, busy, Accepted, "busy")
		for i := range 100 {
			time.Sleep(30 * time.Second)
			if i%2 == 0 {
				expect(t, c, busy, Accepted, "busy")
			}
			expect(t, c, signed(t, jwt.MapClaims{"sub": fmt.Sprint(i)}), Accepted, "team-a")
			if n := c.signed.order.Len(); n > 10 || c.verified.Size() != n+1 || c.tokenCount.Load() != int64(n) {
				t.Fatalf("%d tokens, %d in the table, counted as %d", n, c.verified.Size(), c.tokenCount.Load())
			}
		}
		if n := c.metrics.accepted.Get(); n != 102 {
			t.Errorf("%d checks, want 102: the busy one was pushed out", n)
		}
		if n := c.metrics.evicted.Get(); n < 80 {
			t.Errorf("%d evicted", n)
		}
		expect(t, c, basic("slow", "secret"), Accepted, "s")
		// All in one minute: somebody has to go all the same.
		for i := range 100 {
			expect(t, c, signed(t, jwt.MapClaims{"sub": fmt.Sprint("again-", i)}), Accepted, "team-a")
		}
		if n := c.signed.order.Len(); n != 10 {
			t.Errorf("%d tokens", n)
		}
		// A lower bound holds from the next token on, down to that token alone.
		for _, most := range []int{3, 1} {
			c.SetBounds(Bounds{MaxTokens: most})
			last := signed(t, jwt.MapClaims{"sub": fmt.Sprint("last-", most)})
			expect(t, c, last, Accepted, "team-a")
			if n := c.signed.order.Len(); n != most {
				t.Errorf("%d tokens, want %d", n, most)
			}
			checks := c.metrics.accepted.Get()
			expect(t, c, last, Accepted, "team-a")
			if c.metrics.accepted.Get() != checks {
				t.Error("the newest token went")
			}
		}
	})
}

func TestChangedTokenOptionsForgetTokens(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	cred := signed(t, nil)
	expect(t, c, cred, Rejected, "")
	first := TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{}), DefaultScopes: Write}
	c.UseTokens(first)
	expect(t, c, cred, Accepted, "team-a")
	c.UseTokens(first)
	expect(t, c, cred, Accepted, "team-a")
	if n := c.metrics.accepted.Get(); n != 1 {
		t.Errorf("verified %d times, though nothing changed", n)
	}
	c.UseTokens(TokenOptions{Tokens: first.Tokens, DefaultScopes: Read})
	if identity, verdict := c.Authenticate(cred); verdict != Accepted || identity.Scopes != Read {
		t.Errorf("%v %v", identity, verdict)
	}
	c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{MinVersion: 1})})
	expect(t, c, cred, Rejected, "")
	expect(t, c, cred, Rejected, "")
	c.UseTokens(first)
	expect(t, c, cred, Accepted, "team-a")
	c.UseTokens(TokenOptions{})
	expect(t, c, cred, Rejected, "")
	if c.verified.Size() != 0 {
		t.Error("a token is left in the table")
	}
}

// A check that was under way while the options changed must not bring its token back.
func TestATokenOfOldOptionsIsNotTakenBack(t *testing.T) {
	c := taking(t, verify.IssuerOptions{})
	defer c.Close()
	cred := signed(t, nil)
	expect(t, c, cred, Accepted, "team-a")
	d := c.digester.sum(presented+kind(Bearer), nil, cred.Secret)
	old, _ := c.verified.Load(d)
	c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{MinVersion: 1})})
	c.signed.admit(c, old)
	expect(t, c, cred, Rejected, "")
	c.signed.sweep(c, time.Now())
	if c.verified.Size() != 0 || c.tokenCount.Load() != 0 {
		t.Error("the old token stays in the table")
	}
}

func TestARevokedTokenIsRefusedAtOnce(t *testing.T) {
	list := verify.NewRevocations(nil)
	c := taking(t, verify.IssuerOptions{Revoked: list})
	defer c.Close()
	one, other := signed(t, jwt.MapClaims{"jti": "one"}), signed(t, jwt.MapClaims{"jti": "other"})
	expect(t, c, one, Accepted, "team-a")
	expect(t, c, other, Accepted, "team-a")
	list.Set([]string{"one"})
	expect(t, c, one, Rejected, "")
	expect(t, c, one, Rejected, "")
	expect(t, c, other, Accepted, "team-a")
	list.Set(nil)
	expect(t, c, one, Accepted, "team-a") // the rejection was forgotten
	if n := c.metrics.accepted.Get(); n != 2 {
		t.Errorf("verified %d times", n)
	}
}

// A configured token goes before a signed one, and may have its shape.
func TestAConfiguredTokenMayLookSigned(t *testing.T) {
	c := taking(t, verify.IssuerOptions{})
	defer c.Close()
	cred := signed(t, nil)
	expect(t, c, cred, Accepted, "team-a")
	mustReplace(t, c, "file", tokenEntry("file", string(cred.Secret)))
	expect(t, c, cred, Accepted, "file")
	mustReplace(t, c, "file")
	expect(t, c, cred, Accepted, "team-a")
}

func TestRejectedTokensCostNoSlowHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{})})
		mustReplace(t, c, "file", hashed("a", "user", slowHash(time.Second, "secret")))
		forged := signed(t, nil)
		forged.Secret[len(forged.Secret)-5] ^= 1
		elapsed := took(func() {
			expect(t, c, forged, Rejected, "")
			expect(t, c, bearer("opaque"), Rejected, "")
			expect(t, c, bearer("a.b.c"), Rejected, "")
		})
		if elapsed != 0 || checks.Load() != 0 {
			t.Errorf("they took %v and %d checks", elapsed, checks.Load())
		}
		// A flood of forged tokens does not push out what is known of wrong passwords, nor the other way round.
		expect(t, c, basic("user", "wrong"), Rejected, "")
		for i := range 2 * rejectionLimit {
			c.signatures.rejections.remember(rejection{digest{uint64(i)}, Rejected, time.Now().Add(rejectionLife)}, 0, time.Now())
		}
		if elapsed := took(func() { expect(t, c, basic("user", "wrong"), Rejected, "") }); elapsed != 0 {
			t.Errorf("the wrong password was forgotten: %v", elapsed)
		}
	})
}

// keyServer is a JWK set on a real server, and what signs with its keys.
type keyServer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  map[string]*ecdsa.PrivateKey
	asked atomic.Int64
	hold  chan struct{} // closed: answers are given
}

func newKeyServer(t *testing.T, ids ...string) *keyServer {
	s := &keyServer{hold: make(chan struct{})}
	s.set(t, ids...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		hold := s.hold
		s.mu.Unlock()
		<-hold
		s.mu.Lock()
		defer s.mu.Unlock()
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		for id, key := range s.keys {
			point, _ := key.PublicKey.Bytes()
			b64 := base64.RawURLEncoding.EncodeToString
			set.Keys = append(set.Keys, map[string]string{"kty": "EC", "crv": "P-256", "kid": id, "x": b64(point[1:33]), "y": b64(point[33:])})
		}
		json.NewEncoder(w).Encode(set)
	}))
	t.Cleanup(s.Close)
	return s
}

// set replaces the keys; one that stays is the same key.
func (s *keyServer) set(t *testing.T, ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]*ecdsa.PrivateKey{}
	for _, id := range ids {
		next[id] = s.keys[id]
		if next[id] == nil {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			next[id] = key
		}
	}
	s.keys = next
}

func (s *keyServer) token(t *testing.T, id string) Credential {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"tenant_id": "team-a", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = id
	text, err := token.SignedString(s.keys[id])
	if err != nil {
		t.Fatal(err)
	}
	return bearer(text)
}

func TestTokensOfAProvider(t *testing.T) {
	provider := newKeyServer(t, "one", "stays")
	set, err := verify.FetchKeySet(verify.FetchOptions{URL: provider.URL, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	c := taking(t, verify.IssuerOptions{KeySet: set})
	defer c.Close()
	mustReplace(t, c, "file", plain("p", "user", "secret"))

	// Before the first keys: nobody is rejected, who is known is served.
	one, stays := provider.token(t, "one"), provider.token(t, "stays")
	expect(t, c, one, Busy, "")
	expect(t, c, one, Busy, "")               // from memory
	expect(t, c, signed(t, nil), Unready, "") // of a secret, which the provider will never have
	expect(t, c, basic("user", "wrong"), Unready, "")
	expect(t, c, basic("user", "secret"), Accepted, "p")
	if sources := c.Sources(); len(sources) != 2 || sources[1].Name != provider.URL || sources[1].Read {
		t.Errorf("sources %+v", sources)
	}
	close(provider.hold)
	for deadline := time.Now().Add(10 * time.Second); !set.Settled() && time.Now().Before(deadline); {
		<-time.After(time.Millisecond)
	}
	expect(t, c, one, Accepted, "team-a")
	expect(t, c, stays, Accepted, "team-a")
	expect(t, c, basic("user", "wrong"), Rejected, "")

	// The provider rotates: the first requests with the new key wait for one fetch, which also ends the old key.
	provider.set(t, "stays", "two")
	two := provider.token(t, "two")
	expect(t, c, one, Accepted, "team-a") // nobody knows yet
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { expect(t, c, two, Accepted, "team-a") })
	}
	wait.Wait()
	if n := provider.asked.Load(); n != 2 {
		t.Errorf("the provider was asked %d times, want 2", n)
	}
	expect(t, c, one, Rejected, "")
	expect(t, c, stays, Accepted, "team-a")
	if n := c.metrics.accepted.Get(); n != 3 {
		t.Errorf("%d tokens were verified, want 3", n)
	}
	// A third one within the interval may be good, and comes again; one that was asked for before is wrong.
	provider.set(t, "stays", "two", "three")
	expect(t, c, provider.token(t, "three"), Unready, "")
	expect(t, c, provider.token(t, "three"), Unready, "") // from memory
	expect(t, c, one, Rejected, "")
	if n := provider.asked.Load(); n != 2 {
		t.Errorf("the provider was asked %d times, want 2", n)
	}
	if keys := c.Keys(); len(keys) != 2 || keys[0].Used.IsZero() || keys[1].Used.IsZero() {
		t.Errorf("keys %+v", keys)
	}

	// It answers something else now: who is known is served, the others are told to come again.
	if err := set.Failed(errTest); err == nil {
		t.Fatal("no error")
	}
	expect(t, c, two, Accepted, "team-a")
	expect(t, c, signed(t, nil), Unready, "")
}

func TestRequestsDoNotWaitForASlowProviderForEver(t *testing.T) {
	provider := newKeyServer(t, "one")
	close(provider.hold)
	set, err := verify.FetchKeySet(verify.FetchOptions{URL: provider.URL, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	c := opened(Options{QueueTimeout: 20 * time.Millisecond})
	defer c.Close()
	c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{KeySet: set}), DefaultScopes: Write})
	for deadline := time.Now().Add(10 * time.Second); !set.Settled() && time.Now().Before(deadline); {
		<-time.After(time.Millisecond)
	}
	release := make(chan struct{})
	provider.mu.Lock()
	provider.hold = release
	provider.mu.Unlock()
	provider.set(t, "one", "two")
	two := provider.token(t, "two")
	expect(t, c, two, Busy, "")
	expect(t, c, provider.token(t, "one"), Accepted, "team-a") // meanwhile
	close(release)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if _, verdict := c.Authenticate(two); verdict == Accepted {
			return
		}
	}
	t.Error("the new key was never taken")
}

// Readers see no token that is not good, while keys, lists and options change under them.
func TestTokensAreRightWhileEverythingChanges(t *testing.T) {
	list := verify.NewRevocations(nil)
	c := opened(Options{Workers: 4})
	defer c.Close()
	options := []TokenOptions{
		{Tokens: tokensOf(t, verify.IssuerOptions{Revoked: list}), DefaultScopes: Write},
		{Tokens: tokensOf(t, verify.IssuerOptions{Revoked: list, MinVersion: 1}), DefaultScopes: Read},
	}
	c.UseTokens(options[0])
	c.SetBounds(Bounds{MaxTokens: 20})
	good := signed(t, jwt.MapClaims{"version": 1, "jti": "good"})
	stolen := signed(t, jwt.MapClaims{"version": 1, "jti": "stolen"})
	old := signed(t, jwt.MapClaims{"jti": "old"})
	list.Set([]string{"stolen"})
	var done atomic.Bool
	var readers sync.WaitGroup
	for reader := range 3 {
		readers.Go(func() {
			for i := 0; !done.Load(); i++ {
				if _, verdict := c.Authenticate(good); verdict != Accepted && verdict != Busy {
					t.Errorf("the good one is %v", verdict)
				}
				if _, verdict := c.Authenticate(stolen); verdict == Accepted {
					t.Error("the stolen one is accepted")
				}
				if identity, verdict := c.Authenticate(old); verdict == Accepted && identity.Scopes != Write {
					t.Error("the old one is accepted where it is too old")
				}
				if i%8 == 0 {
					c.Authenticate(signed(t, jwt.MapClaims{"version": 1, "sub": fmt.Sprint(reader, i%50)}))
				}
				c.Credentials()
				c.Keys()
				c.Sources()
			}
		})
	}
	for i := range 200 {
		c.UseTokens(options[i%2])
		list.Set([]string{"stolen", fmt.Sprint(i)})
		same := verify.IssuerOptions{Revoked: list, Keys: []*verify.Key{newSecret(t, tokenSecret)}}
		if err := options[0].Tokens.Use(verify.TokenOptions{Default: &same}); err != nil {
			t.Error(err)
		}
		mustReplace(t, c, "file", plain("p", "user", fmt.Sprint(i)))
	}
	done.Store(true)
	readers.Wait()
	c.UseTokens(options[1])
	expect(t, c, old, Rejected, "")
	expect(t, c, good, Accepted, "team-a")
	if n := c.signed.order.Len(); int64(n) != c.tokenCount.Load() || n > 20 {
		t.Errorf("%d tokens, counted as %d", n, c.tokenCount.Load())
	}
}

// Whatever a token claims, its identity is fit to be sent upstream.
func FuzzTokenIdentity(f *testing.F) {
	c := taking(f, verify.IssuerOptions{ScopesClaim: "scope"})
	f.Cleanup(c.Close)
	f.Add([]byte(`{"tenant_id":["a","b"],"sub":"x","exp":9999999999,"scope":"read"}`))
	f.Add([]byte(`{"tenant_id":"*","sub":"\u0000","exp":9999999999}`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		text := jwt.New(jwt.SigningMethodHS256)
		unsigned := "eyJhbGciOiJIUzI1NiJ9." + text.EncodeSegment(claims)
		signature, err := text.Method.Sign(unsigned, []byte(tokenSecret))
		if err != nil {
			t.Fatal(err)
		}
		identity, verdict := c.Authenticate(bearer(unsigned + "." + text.EncodeSegment(signature)))
		if (verdict == Accepted) != (identity != nil) {
			t.Fatalf("%v with %v", verdict, identity)
		}
		if identity == nil {
			return
		}
		if identity.Client != SafeClient(identity.Client) || identity.Tenant == "" && identity.Reach == nil || identity.Tenant != "" && ValidTenant(identity.Tenant) != nil {
			t.Fatalf("%+v", identity)
		}
		for _, tenants := range [][]string{identity.Reach.ReadTenants(), identity.Reach.WriteTenants(), identity.Reach.ReadDefault()} {
			if reflect.DeepEqual(tenants, anyTenant) {
				t.Fatal("a token is for every tenant")
			}
			for _, tenant := range tenants {
				if ValidTenant(tenant) != nil {
					t.Fatalf("tenant %q", tenant)
				}
			}
		}
	})
}
