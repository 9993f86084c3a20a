package config

import (
	"crypto/x509"
	"regexp"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// Enabled reports whether tokens without an issuer of their own table are taken.
func (j *JWT) Enabled() bool { return j.JWTIssuer.keyed() || j.JWTIssuer.Fetched() }

// keyed reports whether the issuer has keys of its own in the configuration.
func (i *JWTIssuer) keyed() bool {
	return i.Secret != "" || i.SecretFile != "" || len(i.Secrets) > 0 || len(i.SecretFiles) > 0 || len(i.PublicKeyFiles) > 0 ||
		i.JWKSFile != ""
}

// HasSecret reports whether there is an HMAC secret, which signs as well as it
// verifies.
func (i *JWTIssuer) HasSecret() bool {
	return i.holdsSecrets() || i.SecretFile != "" || len(i.SecretFiles) > 0
}

// holdsSecrets reports whether there are secrets in the file itself.
func (i *JWTIssuer) holdsSecrets() bool { return i.Secret != "" || len(i.Secrets) > 0 }

// Fetched reports whether keys come from a provider: from JWKSURL, or, of an
// issuer without any key, from what its OpenID configuration says.
func (i *JWTIssuer) Fetched() bool { return i.JWKSURL != "" || i.Issuer != "" && !i.keyed() }

// JWKSPath is where JWKSFile is, "" for none.
func (i *JWTIssuer) JWKSPath() string { return i.jwksPath }

// Roots are the authorities of JWKSCAFile; nil are those of the system.
func (i *JWTIssuer) Roots() *x509.CertPool { return i.roots }

// RevokedIDs are the tokens that RevokedIDsFile takes back.
func (i *JWTIssuer) RevokedIDs() []string { return i.revoked }

// Options are the settings in the terms of package verify, with the secrets and
// the keys of files. What changes while the program runs, the key set and the
// revoked tokens, is left to the caller.
func (i *JWTIssuer) Options() verify.IssuerOptions {
	o := verify.IssuerOptions{
		Keys:             i.keys,
		Algorithms:       i.Algorithms,
		Issuer:           i.Issuer,
		Audience:         i.Audience,
		TenantClaim:      i.TenantClaim,
		ScopesClaim:      i.ScopesClaim,
		MinVersion:       int64(i.MinVersion),
		TenantMinVersion: i.TenantMinVersion,
		Leeway:           time.Duration(i.Leeway),
	}
	if !i.RequireExpiry {
		o.Expiry = verify.AllowEndless
	}
	if i.TenantPattern != "" {
		o.TenantPattern = regexp.MustCompile(i.TenantPattern) // validation has seen it compile
	}
	return o
}

func (c *Config) validateJWT(on *checks) {
	const key = "auth.jwt"
	j := &c.Auth.JWT
	j.JWTIssuer.validate(on, key, j.Enabled())
	names := map[string]string{}
	if j.Enabled() {
		names[j.Issuer] = key
	}
	for n := range j.Issuers {
		i := &j.Issuers[n]
		key := indexKey(key+".issuers", n)
		i.validate(on, key, true)
		if i.Issuer == "" {
			on.errorf(key+".issuer", "is missing; want the iss of its tokens")
			continue
		}
		if other, taken := names[i.Issuer]; taken {
			on.errorf(key+".issuer", "%s is also that of %s; want each issuer once", show(i.Issuer), other)
		}
		names[i.Issuer] = key
	}
}

// validate looks at one issuer; one that is not used may have no settings that
// would then mean nothing.
func (i *JWTIssuer) validate(on *checks, key string, used bool) {
	i.readKeys(on, key)
	i.readRevoked(on, key+".revoked_ids_file")
	i.checkSource(on, key)
	if i.TenantClaim == "" {
		on.errorf(key+".tenant_claim", `is empty; want the claim that names the tenant, such as "tenant_id"`)
	}
	if i.Leeway > Duration(time.Hour) {
		on.warnf(key+".leeway", "%s is long after the end of a token; want the seconds that clocks are apart", show(i.Leeway.String()))
	}
	patternGood := i.checkPattern(on, key+".tenant_pattern")
	for tenant := range i.TenantMinVersion {
		validateTenantName(on, key+".tenant_min_version", tenant)
	}
	if !used {
		if i.restricts() {
			on.errorf(key, "has settings for tokens, but no key to check them with; want secret, secret_file, public_key_files, jwks_file, "+
				"jwks_url or issuer")
		}
		return
	}
	if !patternGood {
		return
	}
	// What is left is for who checks the tokens to say, as if all keys had come.
	o := i.Options()
	if i.Fetched() || i.JWKSFile != "" || on.skip {
		o.KeySet = verify.NewKeySet("")
	}
	if len(o.Keys) == 0 && o.KeySet == nil {
		if i.keyed() {
			return // they could not be read, which was reported
		}
		on.errorf(key, "has no key to check tokens with; want secret, secret_file, public_key_files, jwks_file, jwks_url or issuer")
		return
	}
	if _, err := verify.NewTokens(verify.TokenOptions{Default: &o}); err != nil {
		on.errorAbout([]string{key + ".secret_file", key + ".secret_files", key + ".public_key_files"}, key, "%v", err)
	}
}

// restricts reports whether the issuer says anything of tokens.
func (i *JWTIssuer) restricts() bool {
	d := defaultIssuer()
	return i.AllowShortSecret || i.JWKSCAFile != "" || len(i.Algorithms) > 0 || i.TenantPattern != "" || i.ScopesClaim != "" ||
		i.Audience != "" || !i.RequireExpiry || i.MinVersion != 0 || i.RevokedIDsFile != "" || len(i.TenantMinVersion) > 0 ||
		i.TenantClaim != d.TenantClaim || i.Leeway != d.Leeway || i.JWKSRefreshInterval != d.JWKSRefreshInterval
}

// readKeys makes the keys of the secrets and of the PEM files. The names are those
// of the keys in the configuration: they appear on /status.
func (i *JWTIssuer) readKeys(on *checks, key string) {
	i.keys = nil
	length := verify.WantLong
	if i.AllowShortSecret {
		length = verify.AllowShort
	}
	add := func(name string, secret Secret) {
		made, err := verify.NewSecret(name, []byte(secret), length)
		if err != nil {
			on.errorf(name, "%s", strings.TrimPrefix(err.Error(), name+": "))
			return
		}
		if len(secret) < verify.MinSecretSize {
			on.warnf(name, "the secret has %d bytes, which can be guessed from one token; want %d or more", len(secret), verify.MinSecretSize)
		}
		i.keys = append(i.keys, made)
	}
	file := func(name, path string) {
		text := on.content(name, path)
		if text == nil {
			return
		}
		add(name, Secret(DropNewline(text)))
		on.warnExposed(name, path)
	}
	if i.Secret != "" {
		add(key+".secret", i.Secret)
	}
	file(key+".secret_file", i.SecretFile)
	for n, secret := range i.Secrets {
		add(indexKey(key+".secrets", n), secret)
	}
	for n, path := range i.SecretFiles {
		if path == "" {
			on.errorf(indexKey(key+".secret_files", n), "is empty; want the name of a file")
			continue
		}
		file(indexKey(key+".secret_files", n), path)
	}
	for n, path := range i.PublicKeyFiles {
		name := indexKey(key+".public_key_files", n)
		if path == "" {
			on.errorf(name, "is empty; want the name of a PEM file")
			continue
		}
		text := on.content(name, path)
		if text == nil {
			continue
		}
		made, err := verify.ParsePublicKeys(name, text)
		if err != nil {
			on.errorf(name, "%s: %s", show(path), strings.TrimPrefix(err.Error(), name+": "))
			continue
		}
		i.keys = append(i.keys, made...)
	}
}

// readRevoked reads the list of tokens that were taken back.
func (i *JWTIssuer) readRevoked(on *checks, key string) {
	i.revoked = nil
	if text := on.contentUpTo(key, i.RevokedIDsFile, maxListFile); text != nil {
		i.revoked = verify.ParseRevocations(string(text))
	}
}

// checkSource looks at where keys are fetched from.
func (i *JWTIssuer) checkSource(on *checks, key string) {
	if i.JWKSURL != "" && i.JWKSFile != "" {
		on.errorf(key+".jwks_file", "is there beside jwks_url; want one of them")
	}
	i.jwksPath = on.place(key+".jwks_file", i.JWKSFile)
	i.roots = nil
	if text := on.content(key+".jwks_ca_file", i.JWKSCAFile); text != nil {
		i.roots = on.authorities(key+".jwks_ca_file", i.JWKSCAFile, text)
	}
	if !i.Fetched() {
		if i.JWKSCAFile != "" {
			on.errorf(key+".jwks_ca_file", "is there, but nothing is fetched; want jwks_url, or an issuer without keys of its own")
		}
		return
	}
	if i.JWKSRefreshInterval < Duration(time.Second) {
		on.errorf(key+".jwks_refresh_interval", `%s is shorter than a second; want one such as "5m"`, show(i.JWKSRefreshInterval.String()))
	}
	at, address, what := key+".jwks_url", i.JWKSURL, "the URL of a JWK set"
	if address == "" {
		at, address, what = key+".issuer", URL(i.Issuer), "the URL of an OpenID provider, or keys of the issuer"
	}
	switch plain, err := keyURL(address); {
	case err != nil:
		on.errorf(at, "%s %v; want %s, such as https://login.example", show(address.String()), err, what)
	case plain:
		on.warnf(at, "%s is not protected: who is on the way can send keys of their own; want https", show(address.String()))
	}
}
