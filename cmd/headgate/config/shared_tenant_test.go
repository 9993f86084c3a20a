package config

import (
	"strings"
	"testing"
)

const someSum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// TestSharedTenantsAreReadAsTOMLAndJSON: both say the same.
func TestSharedTenantsAreReadAsTOMLAndJSON(t *testing.T) {
	reader := Default().SharedTenants()
	asTOML := "id = \"a\"\nusername = \"u\"\npassword_sha256 = \"" + someSum + "\"\nscopes = [\"read\"]\nexpires = 2036-01-01T00:00:00Z\n" +
		"allow_from = [\"10.0.0.0/8\"]\nread_tenants = [\"a\", \"b\"]\n[limits]\nrequests_per_second = 0.5\nbytes_per_second = \"1KiB\"\nmax_in_flight = 3\n"
	one, err := reader.Tenant(asTOML)
	if err != nil {
		t.Fatal(err)
	}
	asJSON := one.Shared()
	if !strings.Contains(asJSON, `"requests_per_second":0.5`) || !strings.Contains(asJSON, `"expires":"2036-01-01T00:00:00Z"`) {
		t.Errorf("as JSON it is %s", asJSON)
	}
	first, err := reader.Parse("k", asTOML)
	if err != nil {
		t.Fatal(err)
	}
	second, err := reader.Parse("k", asJSON)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Entry.Identity.Equal(second.Entry.Identity) || first.Entry.SHA256 != second.Entry.SHA256 || *first.Limits != *second.Limits ||
		first.Entry.Where != "etcd: k" || second.ID != "a" {
		t.Errorf("got %+v and %+v", first, second)
	}
}

func TestSharedTenantsThatAreSkipped(t *testing.T) {
	reader := Default().SharedTenants()
	for text, want := range map[string]string{
		"":                               "id: is missing",
		"hello":                          "is not TOML",
		`{"id": "a"`:                     "is not JSON, or cut short",
		`{"id": "a"} {}`:                 "is not JSON, or cut short",
		`{"id": "a", "username": "u"}`:   "has no password",
		`{"id": "a", "colour": "red"}`:   "colour: unknown key",
		`{"id": "a/b", "username": "u"}`: "Cortex would refuse it",
		`{"id": 1e999, "username": "u"}`: "id:",
		`{"id": "a", "username": "u", "password": "EXAMPLE-not-a-secret"}`: "password: is not for etcd; want password_sha256",
		`{"id": "a", "token_file": "/x"}`:                                  "token_file: is not for etcd; want token_sha256",
		`{"id": "a", "username": "u", "password_hash": "EXAMPLE"}`:         "password_hash:",
		`{"id": "a", "authentication": "none"}`:                            "allow_from",
		`{"tenants": [{"id": "a"}]}`:                                       "tenants: unknown",
	} {
		_, err := reader.Parse("k", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		} else if strings.Contains(err.Error(), "EXAMPLE") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error holds a secret or a line break: %v", text, err)
		}
	}
}

// FuzzSharedTenant: whatever stands in etcd, it is an entry that writes and reads back as itself, or an error.
func FuzzSharedTenant(f *testing.F) {
	f.Add("id = \"a\"\nusername = \"u\"\npassword_sha256 = \"" + someSum + "\"")
	f.Add(`{"id":"a","token_sha256":"` + someSum + `","limits":{"requests_per_second":1e3}}`)
	f.Add(`{"id":"a","common_name":"c","read_tenants":["*"],"expires":"2036-01-01T00:00:00Z","allow_from":["::1"]}`)
	reader := Default().SharedTenants()
	f.Fuzz(func(t *testing.T, text string) {
		one, err := reader.Tenant(text)
		if err != nil {
			return
		}
		again, err := reader.Tenant(one.Shared())
		if err != nil {
			t.Fatalf("%q is good, but not when it is written as %q: %v", text, one.Shared(), err)
		}
		if one.Shared() != again.Shared() {
			t.Errorf("%q reads back as %q", one.Shared(), again.Shared())
		}
	})
}
