package verify

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAMintedTokenIsAccepted(t *testing.T) {
	key := []*Key{secretKey(t, secretA), secretKey(t, secretB)}
	minting := MintOptions{Tenant: "team-a", Subject: "ci", TTL: time.Hour}
	for name, o := range map[string]IssuerOptions{
		"plain":         {Keys: key},
		"all settings":  {Keys: key, Issuer: "https://id.example", Audience: "cortex", TenantClaim: "https://x.example/tenant", MinVersion: 3, TenantMinVersion: map[string]int64{"team-a": 7}},
		"pattern":       {Keys: key, TenantPattern: regexp.MustCompile(`^/metrics/(.+)$`)},
		"only a group":  {Keys: key, TenantPattern: regexp.MustCompile(`(.+)`)},
		"dotted claim":  {Keys: key, TenantClaim: "org.tenant"},
		"one algorithm": {Keys: key, Algorithms: []string{"HS512"}},
		"key first":     {Keys: append([]*Key{publicKeyOf(t, "rsa")}, key...)},
	} {
		text, err := Mint(o, minting)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		token, err := tokensOf(t, o).Verify([]byte(text))
		if err != nil || !reflect.DeepEqual(token.Tenants, []string{"team-a"}) || token.Subject != "ci" || len(token.ID) != 32 || time.Until(token.Expires) > time.Hour {
			t.Errorf("%s: %+v, %v", name, token, err)
		}
	}
	o := IssuerOptions{Keys: key, ScopesClaim: "scope", Expiry: AllowEndless}
	text, err := Mint(o, MintOptions{Tenant: "team-a", Scopes: []string{"write", "read"}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokensOf(t, o).Verify([]byte(text))
	if err != nil || !reflect.DeepEqual(token.Scopes, []string{"write", "read"}) || !token.Expires.IsZero() {
		t.Errorf("%+v, %v", token, err)
	}
}

func TestMintSaysWhyItCannot(t *testing.T) {
	key := []*Key{secretKey(t, secretA)}
	minting := MintOptions{Tenant: "team-a", TTL: time.Hour}
	tests := []struct {
		name    string
		options IssuerOptions
		mint    MintOptions
		want    string
	}{
		{"no secret", IssuerOptions{Keys: []*Key{publicKeyOf(t, "rsa")}}, minting, "no secret to sign with"},
		{"no algorithm", IssuerOptions{Keys: append([]*Key{publicKeyOf(t, "rsa")}, key...), Algorithms: []string{"RS256"}}, minting, "none that signs with a secret"},
		{"no end", IssuerOptions{Keys: key}, MintOptions{Tenant: "team-a"}, "needs an end"},
		{"negative end", IssuerOptions{Keys: key, Expiry: AllowEndless}, MintOptions{Tenant: "team-a", TTL: -1}, "needs an end"},
		{"scopes", IssuerOptions{Keys: key}, MintOptions{Tenant: "team-a", TTL: time.Hour, Scopes: []string{"read"}}, "scopes_claim"},
		{"pattern for others", IssuerOptions{Keys: key, TenantPattern: regexp.MustCompile(`^(x.+)$`)}, minting, "does not take tenant"},
		{"pattern that cannot be turned round", IssuerOptions{Keys: key, TenantPattern: regexp.MustCompile(`^[a-z]+/(.+)$`)}, minting, "no value can be made"},
		{"claim that is taken", IssuerOptions{Keys: key, TenantClaim: "jti"}, minting, "would read tenants"},
		{"no key", IssuerOptions{}, minting, "no key"},
	}
	for _, test := range tests {
		if _, err := Mint(test.options, test.mint); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secretA) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
}
