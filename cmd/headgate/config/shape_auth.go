package config

import (
	"crypto/x509"

	"github.com/headgate/headgate/authcache/verify"
)

// Auth is [auth].
type Auth struct {
	Realm             string    `toml:"realm"`
	DefaultScopes     []string  `toml:"default_scopes"`
	HtpasswdFile      string    `toml:"htpasswd_file"`       // "": none
	TenantsDir        string    `toml:"tenants_dir"`         // "": none
	TenantHeader      string    `toml:"tenant_header"`       // ignore | check
	DeniedWriteStatus int       `toml:"denied_write_status"` // 401 | 503
	ExpiryGrace       Duration  `toml:"expiry_grace"`        // after Tenant.Expires; 0: none
	Cache             AuthCache `toml:"cache"`
	JWT               JWT       `toml:"jwt"`

	paths AuthPaths
}

// AuthCache is [auth.cache]: how much is remembered of credentials that are slow
// to check, and for how long.
type AuthCache struct {
	MaxEntries int      `toml:"max_entries"` // of tokens; 0: no limit
	TTL        Duration `toml:"ttl"`         // 0: as long as the credential is unchanged
}

// JWT is [auth.jwt]: the signed tokens that are taken. Its own settings are for
// tokens whose iss is none of Issuers.
type JWT struct {
	JWTIssuer
	Issuers []JWTIssuer `toml:"issuers,omitempty"`
}

// JWTIssuer is one kind of signed tokens.
type JWTIssuer struct {
	Secret              Secret   `toml:"secret,omitempty"`             // any of the secrets verifies, the first signs
	SecretFile          string   `toml:"secret_file"`                  // one secret, in a file
	Secrets             Secrets  `toml:"secrets"`                      // further ones
	SecretFiles         []string `toml:"secret_files"`                 // further ones, in files
	AllowShortSecret    bool     `toml:"allow_short_secret"`           // a secret of less than 32 bytes is an error otherwise
	PublicKeyFiles      []string `toml:"public_key_files"`             // public keys or certificates, PEM
	JWKSURL             URL      `toml:"jwks_url"`                     // where the JWK set is; with an issuer and no key at all, its OpenID configuration says where
	JWKSFile            string   `toml:"jwks_file"`                    // a JWK set in a file
	JWKSCAFile          string   `toml:"jwks_ca_file"`                 // whose certificates the provider may have; "": those the system believes
	JWKSRefreshInterval Duration `toml:"jwks_refresh_interval"`        // how often the set is fetched
	Algorithms          []string `toml:"algorithms"`                   // none: those that fit the keys
	TenantClaim         string   `toml:"tenant_claim"`                 // the claim that names the tenant, or several
	TenantPattern       string   `toml:"tenant_pattern"`               // picks the tenant out of the value; "": the value is the tenant
	ScopesClaim         string   `toml:"scopes_claim"`                 // the claim that lists the scopes; "": tokens have auth.default_scopes
	Issuer              string   `toml:"issuer"`                       // what iss has to be
	Audience            string   `toml:"audience"`                     // what aud has to be, or hold; "": aud does not count
	RequireExpiry       bool     `toml:"require_expiry"`               // whether a token must have exp
	MinVersion          int      `toml:"min_version"`                  // the least that the claim "version" may have; 0: it does not count
	RevokedIDsFile      string   `toml:"revoked_ids_file"`             // tokens that were taken back: one jti a line, up to 64 MiB
	Leeway              Duration `toml:"leeway"`                       // how far the clocks may be apart
	TenantMinVersion    Versions `toml:"tenant_min_version,omitempty"` // a table: min_version of single tenants

	keys     []*verify.Key // of the secrets and PEM files, secrets first
	revoked  []string      // what RevokedIDsFile held
	roots    *x509.CertPool
	jwksPath string // where JWKSFile is
}

// Tenant is one [[tenants]]: one credential of one tenant.
type Tenant struct {
	ID             string   `toml:"id"`
	Name           string   `toml:"name"`           // of the client; "": the name in the credential, or made from the tenant
	Authentication string   `toml:"authentication"` // basic | bearer | mtls | none; "": by the keys that are given
	Username       string   `toml:"username"`
	Password       Secret   `toml:"password,omitempty"`        // basic: exactly one of the four
	PasswordFile   string   `toml:"password_file,omitempty"`   // a file that holds it, in one line
	PasswordHash   Secret   `toml:"password_hash,omitempty"`   // bcrypt, as headgate hash-password prints it
	PasswordSHA256 Secret   `toml:"password_sha256,omitempty"` // of a password that headgate new-password made
	Token          Secret   `toml:"token,omitempty"`           // bearer: exactly one of the three
	TokenFile      string   `toml:"token_file,omitempty"`      // a file that holds it, in one line
	TokenSHA256    Secret   `toml:"token_sha256,omitempty"`    // of a token of 128 random bits or more
	CommonName     string   `toml:"common_name,omitempty"`     // mtls: exactly one of the two
	SAN            string   `toml:"san,omitempty"`             // "dns:…", "uri:…" or "email:…"
	Scopes         []string `toml:"scopes,omitempty"`          // none: auth.default_scopes
	Expires        Date     `toml:"expires,omitempty"`
	NotBefore      Date     `toml:"not_before,omitempty"`
	AllowFrom      []CIDR   `toml:"allow_from,omitempty"`    // none: from everywhere
	ReadTenants    []string `toml:"read_tenants,omitempty"`  // none: a read cannot name any
	ReadDefault    []string `toml:"read_default,omitempty"`  // none: ID
	WriteTenants   []string `toml:"write_tenants,omitempty"` // none: a write cannot name any

	Limits *TenantLimits `toml:"limits,omitempty"` // of ID; nil: says nothing of them

	// FromFile is what PasswordFile or TokenFile held; empty with Options.NoFiles.
	FromFile Secret `toml:"-"`
}

// AuthPaths are where the files of [auth] are: ${CREDENTIALS_DIRECTORY} and the
// folder of the configuration are filled in. "" is none.
type AuthPaths struct {
	Htpasswd   string
	TenantsDir string
}

// Paths are where the files are.
func (a *Auth) Paths() AuthPaths { return a.paths }
