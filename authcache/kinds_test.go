package authcache

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

func sha256Of(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// generated is an entry of which only the SHA-256 is known.
func generated(tenant, user, secret string) Entry {
	e := plain(tenant, user, "")
	e.SHA256 = sha256Of(secret)
	return e
}

// tokenEntry is a plain bearer token.
func tokenEntry(tenant, secret string) Entry {
	return Entry{Identity: &Identity{Tenant: tenant, Client: tenant, Scopes: Write}, Scheme: Bearer, Password: secret, Where: "token of " + tenant}
}

func onTerms(e Entry, terms Terms) Entry {
	identity := *e.Identity
	identity.Terms = &terms
	e.Identity = &identity
	return e
}

func from(cred Credential, addr string) Credential {
	cred.From = netip.MustParseAddr(addr)
	return cred
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestGeneratedSecretsAreKnownByTheirSHA256(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		upper := generated("d", "upper", "secret")
		upper.SHA256 = strings.ToUpper(upper.SHA256)
		bearing := tokenEntry("b", "")
		bearing.SHA256 = sha256Of("t0ken")
		mustReplace(t, c, "file", generated("a", "user", "secret"), generated("a", "user", "next"), plain("a", "user", "plain"), upper, bearing,
			hashed("s", "slow", slowHash(10*time.Millisecond, "secret")))
		for range 2 {
			for _, good := range []struct {
				cred   Credential
				tenant string
			}{{basic("user", "secret"), "a"}, {basic("user", "next"), "a"}, {basic("user", "plain"), "a"}, {basic("upper", "secret"), "d"}, {bearer("t0ken"), "b"}} {
				if elapsed := took(func() { expect(t, c, good.cred, Accepted, good.tenant) }); elapsed != 0 {
					t.Errorf("%v took %v", good.cred, elapsed)
				}
			}
		}
		if checks.Load() != 0 {
			t.Errorf("%d slow checks", checks.Load())
		}
		if elapsed := took(func() { expect(t, c, basic("user", "wrong"), Rejected, "") }); elapsed != 10*time.Millisecond {
			t.Errorf("a rejection took %v, want the time of a slow hash", elapsed)
		}
		// The hash itself is no secret, nor is another scheme's.
		for _, cred := range []Credential{basic("user", sha256Of("secret")), bearer(sha256Of("t0ken")), bearer("secret"), basic("b", "t0ken"), basic("nobody", "secret")} {
			expect(t, c, cred, Rejected, "")
		}
		sum := sha256.Sum256([]byte("secret"))
		expect(t, c, Credential{Scheme: Scheme(storedSHA256), User: []byte("user"), Secret: sum[:]}, Rejected, "")

		change := mustReplace(t, c, "file", generated("a", "user", "next"))
		if change.String() != "+0 -3 ~1" {
			t.Errorf("the change is %v", change)
		}
		expect(t, c, basic("user", "secret"), Rejected, "")
		expect(t, c, basic("user", "next"), Accepted, "a")
		expect(t, c, bearer("t0ken"), Rejected, "")
		mustReplace(t, c, "file")
		if c.verified.Size() != 0 || c.hashed.Load() != 0 || c.generated.Load() != 0 || c.slow.Load() != 0 {
			t.Error("something is left")
		}
	})
}

// A password that is stored as a bcrypt hash and as SHA-256, in turn, is never unknown.
func TestASecretMayChangeItsForm(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	forms := []Entry{plain("a", "user", "secret"), hashed("a", "user", fakeHash("secret")), generated("a", "user", "secret")}
	mustReplace(t, c, "file", forms[0])
	reading(func() { expect(t, c, basic("user", "secret"), Accepted, "a") }, func() {
		for i := range 300 {
			mustReplace(t, c, "file", forms[i%3])
		}
	})
}

func TestTermsOfTime(t *testing.T) {
	for form, entry := range map[string]Entry{
		"plain": plain("a", "user", "secret"), "hashed": hashed("a", "user", fakeHash("secret")), "generated": generated("a", "user", "secret"),
	} {
		t.Run(form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := opened(Options{})
				defer c.Close()
				now := time.Now()
				mustReplace(t, c, "file", onTerms(entry, Terms{NotBefore: now.Add(time.Hour), Expires: now.Add(3 * time.Hour), Grace: time.Hour}))
				at := func(moment time.Duration, want Verdict) {
					t.Helper()
					time.Sleep(time.Until(now.Add(moment)))
					expect(t, c, basic("user", "secret"), want, "a")
				}
				at(0, Early)
				at(time.Hour-time.Nanosecond, Early)
				at(time.Hour, Accepted)
				at(4*time.Hour-time.Nanosecond, Accepted)
				expect(t, c, basic("user", "wrong"), Rejected, "")
				at(4*time.Hour, Expired)
				at(5*time.Hour, Expired)
				// While a source cannot be read, it may say otherwise.
				c.Failed("file", errTest)
				at(5*time.Hour, Unready)
				mustReplace(t, c, "file", onTerms(entry, Terms{Expires: now.Add(9 * time.Hour)}))
				at(6*time.Hour, Accepted)
				mustReplace(t, c, "file", entry)
				at(9*time.Hour, Accepted)
			})
		})
	}
}

var errTest = errTestType{}

type errTestType struct{}

func (errTestType) Error() string { return "is away" }

func TestTermsOfPlace(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	terms := Terms{AllowFrom: prefixes("10.0.0.0/8", "fd00::/8", "192.0.2.7/32")}
	mustReplace(t, c, "file", onTerms(plain("a", "user", "secret"), terms), onTerms(hashed("b", "slow", fakeHash("secret")), terms))
	for addr, want := range map[string]Verdict{
		"10.1.2.3": Accepted, "::ffff:10.1.2.3": Accepted, "fd00::1": Accepted, "192.0.2.7": Accepted, "fd00::1%eth0": Accepted,
		"11.0.0.1": Misplaced, "192.0.2.8": Misplaced, "fe80::1": Misplaced, "::1": Misplaced,
	} {
		expect(t, c, from(basic("user", "secret"), addr), want, "a")
		expect(t, c, from(basic("user", "wrong"), addr), Rejected, "")
		if want == Accepted {
			expect(t, c, from(basic("slow", "secret"), addr), Accepted, "b")
		}
	}
	expect(t, c, basic("user", "secret"), Misplaced, "") // of a unix socket
	expect(t, c, from(basic("slow", "secret"), "11.0.0.1"), Misplaced, "")
}

// Who guesses a password that is bound to a place or a time must not learn it from the time of the answer, and who may
// use it must not get the guesser's answer.
func TestWhatMayNotBeUsedIsRefusedLikeAWrongOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 4})
		defer c.Close()
		terms := Terms{AllowFrom: prefixes("10.0.0.0/8")}
		mustReplace(t, c, "file",
			onTerms(plain("p", "plain", "secret"), terms), onTerms(generated("g", "generated", "secret"), terms),
			onTerms(hashed("s", "slow", slowHash(20*time.Millisecond, "secret")), terms),
			onTerms(hashed("e", "expired", slowHash(20*time.Millisecond, "secret")), Terms{Expires: time.Now().Add(-time.Hour)}),
			onTerms(hashed("r", "rotating", slowHash(20*time.Millisecond, "secret")), terms),
			hashed("r", "rotating", slowHash(20*time.Millisecond, "next")),
			hashed("d", "dear", slowHash(80*time.Millisecond, "secret")))
		for round := range 2 {
			for _, user := range []string{"plain", "generated", "slow", "expired", "rotating", "nobody", "dear"} {
				for _, password := range []string{"secret", "wrong"} {
					if user == "dear" && password == "secret" {
						continue
					}
					cred := from(basic(user, password), "11.0.0.1")
					elapsed := took(func() {
						if _, verdict := c.Authenticate(cred); verdict == Accepted || verdict == Busy {
							t.Errorf("%v is %v", cred, verdict)
						}
					})
					if elapsed != 80*time.Millisecond {
						t.Errorf("round %d: %s with %s took %v, want 80ms", round, user, password, elapsed)
					}
					time.Sleep(time.Minute) // let the budget refill
				}
			}
			// Now it is known who they are, which changes nothing.
			for _, user := range []string{"plain", "generated", "slow", "rotating"} {
				if _, verdict := c.Authenticate(from(basic(user, "secret"), "10.0.0.1")); verdict != Accepted {
					t.Errorf("%s is %v", user, verdict)
				}
			}
			time.Sleep(time.Minute)
		}
		// Of two passwords of one user name, the one that may be used from here is found all the same.
		expect(t, c, from(basic("rotating", "next"), "11.0.0.1"), Accepted, "r")
		expect(t, c, from(basic("rotating", "next"), "10.0.0.1"), Accepted, "r")

		mustReplace(t, c, "file", onTerms(hashed("s", "slow", slowHash(30*time.Millisecond, "secret")), terms),
			onTerms(hashed("s", "rotating", slowHash(30*time.Millisecond, "secret")), terms),
			hashed("s", "rotating", slowHash(30*time.Millisecond, "next")))
		for _, user := range []string{"slow", "rotating"} {
			good, bad := from(basic(user, "secret"), "10.0.0.1"), from(basic(user, "secret"), "11.0.0.1")
			done := make(chan Verdict, 2)
			go func() { _, v := c.Authenticate(bad); done <- v }()
			synctest.Wait()
			expect(t, c, good, Accepted, "s")
			if v := <-done; v == Accepted {
				t.Errorf("%s is accepted from the wrong place", user)
			}
		}
	})
}

func TestAnExpiredPasswordBesideAGoodOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		mustReplace(t, c, "file",
			onTerms(hashed("a", "user", slowHash(time.Millisecond, "old")), Terms{Expires: time.Now()}),
			hashed("a", "user", slowHash(time.Millisecond, "new")))
		for range 2 {
			expect(t, c, basic("user", "old"), Expired, "")
			expect(t, c, basic("user", "new"), Accepted, "a")
			expect(t, c, basic("user", "wrong"), Rejected, "")
			time.Sleep(time.Second)
		}
	})
}

func TestCertificatesAreKnownByTheirNames(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	uri, _ := url.Parse("spiffe://example.org/ns/prod/agent")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "agent 7", Organization: []string{"Example"}},
		DNSNames: []string{"agent.example", "*.wild.example"}, EmailAddresses: []string{"ops@example.org"}, URIs: []*url.URL{uri},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	names := CertificateNames(certificate)
	var texts []string
	for _, name := range names {
		texts = append(texts, string(name))
	}
	const want = "uri:spiffe://example.org/ns/prod/agent dns:agent.example dns:*.wild.example email:ops@example.org cn:agent 7"
	if got := strings.Join(texts, " "); got != want {
		t.Fatalf("names %q, want %q", got, want)
	}
	entry := func(tenant, name string) Entry {
		return Entry{Identity: &Identity{Tenant: tenant, Client: tenant}, Scheme: Certificate, User: name, Where: "tenants[0]"}
	}
	local := netip.MustParseAddr("10.0.0.1")
	tests := []struct {
		name    string
		entries []Entry
		want    Verdict
		tenant  string
	}{
		{"common name", []Entry{entry("a", "cn:agent 7")}, Accepted, "a"},
		{"DNS", []Entry{entry("a", "dns:agent.example")}, Accepted, "a"},
		{"URI", []Entry{entry("a", "uri:spiffe://example.org/ns/prod/agent")}, Accepted, "a"},
		{"email", []Entry{entry("a", "email:ops@example.org")}, Accepted, "a"},
		{"another name", []Entry{entry("a", "cn:agent 8")}, Rejected, ""},
		{"other case", []Entry{entry("a", "dns:Agent.example")}, Rejected, ""},
		{"other kind", []Entry{entry("a", "cn:agent.example")}, Rejected, ""},
		{"a wildcard is no pattern", []Entry{entry("a", "dns:x.wild.example")}, Rejected, ""},
		{"the most exact first", []Entry{entry("a", "cn:agent 7"), entry("b", "uri:spiffe://example.org/ns/prod/agent")}, Accepted, "b"},
		{"expired", []Entry{onTerms(entry("a", "cn:agent 7"), Terms{Expires: time.Unix(1, 0)})}, Expired, ""},
		{"from elsewhere", []Entry{onTerms(entry("a", "cn:agent 7"), Terms{AllowFrom: prefixes("11.0.0.0/8")})}, Misplaced, ""},
		{"a user of that name", []Entry{plain("a", "cn", "agent 7")}, Rejected, ""},
		{"nothing", nil, Rejected, ""},
	}
	for _, test := range tests {
		c := opened(Options{})
		mustReplace(t, c, "file", test.entries...)
		identity, verdict := c.AuthenticateCertificate(names, local)
		if verdict != test.want || identity != nil && identity.Tenant != test.tenant || (identity != nil) != (verdict == Accepted) {
			t.Errorf("%s: %v %v", test.name, identity, verdict)
		}
		c.Expect("folder")
		if _, verdict := c.AuthenticateCertificate(nil, local); verdict != Unready {
			t.Errorf("%s: without a name %v", test.name, verdict)
		}
		c.Close()
	}
	// The first name that is configured decides though its entry may not be used, also while nobody knows what a source
	// that is in error has of it.
	ended, elsewhere := Terms{Expires: time.Unix(1, 0)}, Terms{AllowFrom: prefixes("11.0.0.0/8")}
	for _, test := range []struct {
		name               string
		entries            []Entry
		settled, unsettled Verdict
	}{
		{"the first expired", []Entry{onTerms(entry("a", "uri:spiffe://example.org/ns/prod/agent"), ended), entry("b", "cn:agent 7")}, Expired, Unready},
		{"the first from elsewhere", []Entry{onTerms(entry("a", "dns:agent.example"), elsewhere), entry("b", "cn:agent 7")}, Misplaced, Unready},
		{"the second expired", []Entry{entry("a", "dns:agent.example"), onTerms(entry("b", "cn:agent 7"), ended)}, Accepted, Accepted},
		{"the last expired", []Entry{onTerms(entry("b", "cn:agent 7"), ended)}, Expired, Unready},
		{"only the last configured", []Entry{entry("a", "cn:agent 7")}, Accepted, Accepted},
	} {
		c := opened(Options{})
		mustReplace(t, c, "file", test.entries...)
		for _, want := range []Verdict{test.settled, test.unsettled} {
			identity, verdict := c.AuthenticateCertificate(names, local)
			if verdict != want || verdict == Accepted && identity.Tenant != "a" {
				t.Errorf("%s: %v %v, want %v", test.name, identity, verdict, want)
			}
			c.Failed("folder", errTest)
		}
		c.Close()
	}
	long := &x509.Certificate{Subject: pkix.Name{CommonName: "last"}}
	for range 100 {
		long.DNSNames = append(long.DNSNames, strings.Repeat("d", 900))
	}
	if names := CertificateNames(long); len(names) != maxCertificateNames+1 || string(names[maxCertificateNames]) != "cn:last" {
		t.Errorf("%d names", len(names))
	}
}

func TestNobodyIsKnownByTheAddress(t *testing.T) {
	nobody := func(tenant string, ranges ...string) Entry {
		return Entry{Identity: &Identity{Tenant: tenant, Client: tenant, Terms: &Terms{AllowFrom: prefixes(ranges...)}}, Scheme: Anonymous, Where: "entry of " + tenant}
	}
	c := opened(Options{})
	defer c.Close()
	at := func(addr string) Credential { return from(Credential{Scheme: Anonymous}, addr) }
	expect(t, c, at("10.0.0.1"), Rejected, "")
	mustReplace(t, c, "file", nobody("all", "10.0.0.0/8", "fd00::/8"), nobody("some", "10.1.0.0/16"), plain("p", "user", "secret"))
	expect(t, c, at("10.0.0.1"), Accepted, "all")
	expect(t, c, at("::ffff:10.0.0.1"), Accepted, "all")
	expect(t, c, at("10.1.2.3"), Accepted, "some")
	expect(t, c, at("fd00::1"), Accepted, "all")
	expect(t, c, at("11.0.0.1"), Rejected, "")
	expect(t, c, Credential{Scheme: Anonymous}, Rejected, "")
	expect(t, c, from(basic("user", "wrong"), "10.0.0.1"), Rejected, "") // who shows a credential is judged by it
	c.Expect("folder")
	expect(t, c, at("11.0.0.1"), Unready, "")
	mustReplace(t, c, "folder")

	for name, entries := range map[string][]Entry{
		"no addresses":          {{Identity: &Identity{Tenant: "a", Client: "a"}, Scheme: Anonymous}},
		"a user name":           {{Identity: nobody("a", "10.0.0.0/8").Identity, Scheme: Anonymous, User: "x"}},
		"a secret":              {{Identity: nobody("a", "10.0.0.0/8").Identity, Scheme: Anonymous, Password: "x"}},
		"the same twice":        {nobody("a", "12.0.0.0/8"), nobody("b", "12.0.0.0/8")},
		"the same among others": {nobody("a", "12.0.0.0/8", "13.0.0.0/8"), nobody("b", "13.1.2.3/8")},
		"in another source":     {nobody("b", "10.1.0.0/16")},
	} {
		if _, err := c.Replace("folder", entries); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	mustReplace(t, c, "folder", nobody("some", "10.1.0.0/16"))
	if change := mustReplace(t, c, "file", nobody("some", "10.0.0.0/8")); change.String() != "+0 -2 ~1" {
		t.Errorf("the change is %v", change)
	}
	expect(t, c, at("10.0.0.1"), Accepted, "some")
	expect(t, c, at("fd00::1"), Rejected, "")
	mustReplace(t, c, "file")
	expect(t, c, at("10.1.0.1"), Accepted, "some")
	mustReplace(t, c, "folder")
	expect(t, c, at("10.1.0.1"), Rejected, "")
	if len(c.open) != 0 || c.Len() != 0 {
		t.Error("something is left")
	}
}

// An entry of nobody that is not in force is in the way of no other: neither of one with the same network, nor of one with a
// wider one. Of several that are, the same one counts at every start.
func TestNobodysEntriesThatHaveEnded(t *testing.T) {
	nobody := func(tenant, client string, terms Terms, ranges ...string) Entry {
		terms.AllowFrom = prefixes(ranges...)
		return Entry{Identity: &Identity{Tenant: tenant, Client: client, Terms: &terms}, Scheme: Anonymous, Where: "entry of " + client}
	}
	ended, early := Terms{Expires: time.Unix(1, 0)}, Terms{NotBefore: time.Now().Add(time.Hour)}
	naming := func(e Entry, reach *Reach) Entry {
		e.Identity.Reach = reach
		return e
	}
	one, other := reachOf(t, []string{"one"}, nil, nil), reachOf(t, []string{"other"}, nil, nil)
	for _, test := range []struct {
		name    string
		entries []Entry
		want    Verdict
		tenant  string
		reach   *Reach
	}{
		{"beside one of the same network", []Entry{nobody("a", "a", ended, "10.0.0.0/8"), nobody("a", "a", Terms{}, "10.0.0.0/8", "fd00::/8")}, Accepted, "a", nil},
		{"the other way round", []Entry{nobody("a", "a", Terms{}, "10.0.0.0/8"), nobody("a", "a", ended, "10.0.0.0/8", "fd00::/8")}, Accepted, "a", nil},
		{"within a wider one", []Entry{nobody("wide", "w", Terms{}, "10.0.0.0/8"), nobody("a", "a", ended, "10.0.0.0/16")}, Accepted, "wide", nil},
		{"not begun, within a wider one", []Entry{nobody("wide", "w", Terms{}, "10.0.0.0/8"), nobody("a", "a", early, "10.0.0.0/16")}, Accepted, "wide", nil},
		{"in force, within a wider one", []Entry{nobody("wide", "w", Terms{}, "10.0.0.0/8"), nobody("a", "a", Terms{}, "10.0.0.0/16")}, Accepted, "a", nil},
		{"all of them", []Entry{nobody("wide", "w", early, "10.0.0.0/8"), nobody("a", "a", ended, "10.0.0.0/16")}, Expired, "", nil},
		{"for elsewhere", []Entry{nobody("a", "a", ended, "11.0.0.0/8")}, Rejected, "", nil},
		{"two that are in force", []Entry{
			naming(nobody("a", "a", Terms{}, "10.0.0.0/8", "fd00::/8"), other), naming(nobody("a", "a", Terms{}, "10.0.0.0/8"), one),
		}, Accepted, "a", one},
	} {
		for range 20 { // maps are read in another order each time
			c := opened(Options{})
			mustReplace(t, c, "file", test.entries...)
			cred := from(Credential{Scheme: Anonymous}, "10.0.0.1")
			identity, verdict := c.Authenticate(cred)
			if verdict != test.want || verdict == Accepted && (identity.Tenant != test.tenant || !identity.Reach.equal(test.reach)) {
				t.Errorf("%s: %v %+v, want %v", test.name, verdict, identity, test.want)
			}
			c.Close()
		}
	}
}

func TestEntriesOfNewKindsThatCannotWork(t *testing.T) {
	identity := &Identity{Tenant: "a", Client: "a"}
	for _, test := range []struct {
		entry Entry
		want  string
	}{
		{Entry{Identity: identity, User: "u", SHA256: "abc"}, "64 hex digits"},
		{Entry{Identity: identity, User: "u", SHA256: strings.Repeat("g", 64)}, "64 hex digits"},
		{Entry{Identity: identity, User: "u", SHA256: sha256Of("x"), Password: "x"}, "exactly one of"},
		{Entry{Identity: identity, Scheme: Bearer}, "exactly one of"},
		{Entry{Identity: identity, Scheme: Certificate, User: "agent"}, "of an unknown kind"},
		{Entry{Identity: identity, Scheme: Certificate, User: "cn:"}, "nothing behind the kind"},
		{Entry{Identity: identity, Scheme: Certificate, User: "cn:" + strings.Repeat("x", 1024)}, "want at most 1023"},
		{Entry{Identity: identity, Scheme: Certificate, User: "cn:x", Password: "p"}, "without a secret has one"},
		{onTerms(plain("a", "u", "p"), Terms{NotBefore: time.Unix(9, 0), Expires: time.Unix(9, 0)}), "is not before"},
		{onTerms(plain("a", "u", "p"), Terms{Grace: -1}), "negative"},
		{onTerms(plain("a", "u", "p"), Terms{AllowFrom: []netip.Prefix{{}}}), "allow_from[0]"},
		{onTerms(plain("a", "u", "p"), Terms{AllowFrom: prefixes("::ffff:10.0.0.0/104")}), "allow_from[0]"},
	} {
		c := opened(Options{})
		if _, err := c.Replace("file", []Entry{test.entry}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got error %v, want one with %q", err, test.want)
		}
		c.Close()
	}
}

// A file of htpasswd moves in as it is: each line in its own kind of hash, and all rejections alike.
func TestHtpasswdLinesBesideEachOther(t *testing.T) {
	burnt := make(chan verify.Work, 100)
	c := newCache(Options{}, verify.ParseHash, func(w verify.Work, _ []byte) { burnt <- w })
	defer c.Close()
	long := strings.Repeat("x", 100)
	mustReplace(t, c, "htpasswd",
		hashed("a", "apr1", "$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/"), hashed("l", "long", "$apr1$r31.....$KSvewVT9SXsuCmeOSgRet/"),
		hashed("s", "sha", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
		hashed("b", "bcrypt", "$2b$04$6mNd6lD4ZXvSOPjzJFGgxOrP36q46Cs7Oyf3WHi3fGtO2Gd69IPKW"))
	expect(t, c, basic("apr1", "secret"), Accepted, "a")
	expect(t, c, basic("long", long), Accepted, "l")
	expect(t, c, basic("sha", "secret"), Accepted, "s")
	if len(burnt) != 0 {
		t.Error("something was burnt for a right password")
	}
	for user, want := range map[string]verify.Work{
		"apr1": {Rounds: 16}, "sha": {Rounds: 16, Digests: 1}, "bcrypt": {Digests: 1}, "nobody": {Rounds: 16, Digests: 1},
	} {
		expect(t, c, basic(user, "wrong"), Rejected, "")
		if got := <-burnt; got != want {
			t.Errorf("%s: burnt %v, want %v", user, got, want)
		}
	}
	mustReplace(t, c, "htpasswd", hashed("b", "bcrypt", "$2b$04$6mNd6lD4ZXvSOPjzJFGgxOrP36q46Cs7Oyf3WHi3fGtO2Gd69IPKW"))
	expect(t, c, basic("nobody", long), Rejected, "")
	expect(t, c, basic("nobody", "wrong"), Rejected, "")
	if got := <-burnt; got != (verify.Work{Rounds: 16}) {
		t.Errorf("only bcrypt is left, and %v is burnt", got)
	}
}

// While a source that may have one of the names is read, a certificate is in doubt to the end of its names.
func TestACertificateIsInDoubtToItsLastName(t *testing.T) {
	names := [][]byte{[]byte("cn:x")}
	for n := range 50 {
		names = append(names, fmt.Appendf(nil, "dns:%d.example", n))
	}
	for range 200 {
		c := opened(Options{})
		c.Expect("folder")
		read := make(chan struct{})
		go func() {
			defer close(read)
			mustReplace(t, c, "folder", Entry{Identity: &Identity{Tenant: "a", Client: "a"}, Scheme: Certificate, User: "cn:x"})
		}()
		for verdict := Unready; verdict != Accepted; {
			if _, verdict = c.AuthenticateCertificate(names, netip.Addr{}); verdict == Rejected {
				t.Error("it is refused for good at the moment at which it is known")
				break
			}
		}
		<-read
		c.Close()
	}
}
