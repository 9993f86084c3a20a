package main

import (
	"testing"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// tokenSecret is that of the tokens in these tests.
const tokenSecret = "0123456789abcdef0123456789abcdef"

// signedToken is a token of a tenant, signed with tokenSecret.
func signedToken(t *testing.T, tenant string) string {
	t.Helper()
	key, err := verify.NewSecret("test", []byte(tokenSecret), verify.WantLong)
	if err != nil {
		t.Fatal(err)
	}
	token, err := verify.Mint(verify.IssuerOptions{Keys: []*verify.Key{key}}, verify.MintOptions{Tenant: tenant, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return token
}
