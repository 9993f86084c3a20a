package sources

import (
	"log/slog"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// tokens is [auth.jwt]: what signed tokens are checked with.
type tokens struct {
	cache *authcache.Cache
	log   *slog.Logger

	tokens *verify.Tokens     // nil: none are taken
	sets   map[setKey]*keySet // in use
}

// setKey tells key sets apart. Two issuers with the same one share it.
type setKey struct {
	url, issuer, ca, path string
	interval              time.Duration
}

// keySet is a key set and, of one that comes from a file, what the file looked like.
type keySet struct {
	set  *verify.KeySet
	file *keyFile // nil: it is fetched
}

// issuersOf are the issuers of a configuration that are in use: the default one first, if it is.
func issuersOf(j *config.JWT) []*config.JWTIssuer {
	var all []*config.JWTIssuer
	if j.Enabled() {
		all = append(all, &j.JWTIssuer)
	}
	for n := range j.Issuers {
		all = append(all, &j.Issuers[n])
	}
	return all
}

// use puts another configuration in force. What was verified before stays good where its issuer and its key do.
func (t *tokens) use(cfg *config.Config) {
	before := t.sets
	t.sets = map[setKey]*keySet{}
	if issuers := issuersOf(&cfg.Auth.JWT); len(issuers) == 0 {
		t.tokens = nil
		t.cache.UseTokens(authcache.TokenOptions{})
	} else {
		t.check(t.options(&cfg.Auth.JWT, issuers, before))
		t.cache.UseTokens(authcache.TokenOptions{Tokens: t.tokens, DefaultScopes: cfg.DefaultScopes()})
	}
	for key, s := range before {
		if t.sets[key] != s {
			s.set.Close()
		}
	}
	t.forget()
}

// check makes tokens be checked with these options.
func (t *tokens) check(o verify.TokenOptions) {
	var err error
	if t.tokens == nil {
		t.tokens, err = verify.NewTokens(o)
	} else {
		err = t.tokens.Use(o)
	}
	if err != nil {
		panic("BUG: tokens passed the checks of the configuration: " + err.Error())
	}
}

// options are what the tokens of all issuers are checked with, with the key sets that are there already.
func (t *tokens) options(j *config.JWT, issuers []*config.JWTIssuer, before map[setKey]*keySet) verify.TokenOptions {
	var o verify.TokenOptions
	for _, i := range issuers {
		options := i.Options()
		options.Revoked = verify.NewRevocations(i.RevokedIDs())
		options.KeySet = t.keySet(i, before)
		if i == &j.JWTIssuer {
			o.Default = &options
		} else {
			o.Issuers = append(o.Issuers, options)
		}
	}
	return o
}

// keySet returns the key set of an issuer, nil when it has none.
func (t *tokens) keySet(i *config.JWTIssuer, before map[setKey]*keySet) *verify.KeySet {
	key := setKey{path: i.JWKSPath()}
	if i.Fetched() {
		key = setKey{url: string(i.JWKSURL), ca: i.JWKSCAFile, interval: time.Duration(i.JWKSRefreshInterval)}
		if key.url == "" {
			key.issuer = i.Issuer
		}
	}
	if key == (setKey{}) {
		return nil
	}
	if s := t.sets[key]; s != nil {
		return s.set
	}
	if s := before[key]; s != nil && key.ca == "" { // the authorities of a file may be others now
		t.sets[key] = s
		return s.set
	}
	if key.path != "" {
		s := &keySet{set: verify.NewKeySet(key.path), file: &keyFile{path: key.path}}
		t.sets[key] = s
		return s.set
	}
	var said keyLog
	set, err := verify.FetchKeySet(verify.FetchOptions{
		URL: key.url, Issuer: key.issuer, RootCAs: i.Roots(), Interval: key.interval, From: older(key, before),
		Fetched: func(err error) { said.say(t.log, err) }, // which names where they are from
	})
	if err != nil {
		panic("BUG: the address of keys passed the checks of the configuration: " + err.Error())
	}
	t.sets[key] = &keySet{set: set}
	return set
}

// older is a set of the same provider, whose keys do until the first ones were fetched; nil when there is none.
func older(key setKey, before map[setKey]*keySet) *verify.KeySet {
	for k, s := range before {
		if k.path == "" && k.url == key.url && k.issuer == key.issuer {
			return s.set
		}
	}
	return nil
}

// forget makes the next reading read all key files.
func (t *tokens) forget() {
	for _, s := range t.sets {
		if s.file != nil {
			s.file.known = false
		}
	}
}

// read reads the key files that have changed.
func (t *tokens) read(r *reading) {
	for _, s := range t.sets {
		if s.file != nil {
			s.file.read(r, s.set)
		}
	}
}

// paths are those to watch.
func (t *tokens) paths(paths []string) []string {
	for _, s := range t.sets {
		if s.file != nil {
			paths = append(paths, s.file.path)
		}
	}
	return paths
}

func (t *tokens) close() {
	for _, s := range t.sets {
		s.set.Close()
	}
}
