package authcache

import (
	"errors"
	"fmt"
	"strings"
)

// maxTenantID is the longest tenant ID in bytes (Cortex, pkg/util/users/tenant.go).
const maxTenantID = 150

// ValidTenant reports, as an error that says what is wanted, why id cannot be the ID of one tenant in Cortex: it has a
// character other than letters, digits and !-_.*'(), is over 150 bytes, or is a name that Cortex keeps for itself. The
// rules are those of ValidTenantID in Cortex's pkg/util/users/tenant.go, but an empty ID, which passes there, does not
// pass here.
//
// What it accepts is still dangerous where Cortex reads the ID as a pattern (tenant_federation.regex_matcher_enabled):
// ".*" is valid.
func ValidTenant(id string) error {
	if id == "" {
		return errors.New("the tenant ID is empty; want a name such as \"team-a\"")
	}
	for i := range len(id) {
		if !isTenantByte(id[i]) {
			return tenantByteError(id, i)
		}
	}
	if len(id) > maxTenantID {
		return fmt.Errorf("the tenant ID has %d characters; Cortex takes up to %d", len(id), maxTenantID)
	}
	switch id {
	case ".", "..", "__markers__", "user-index.json.gz":
		return fmt.Errorf("tenant ID %q is a name that Cortex keeps for itself; want another one", id)
	}
	return nil
}

func isTenantByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!-_.*'()", c) >= 0
}

// tenantByteError shows at most the start of id: it may come from a token, and end up in a log.
func tenantByteError(id string, position int) error {
	shown := id
	if len(shown) > maxTenantID {
		shown = shown[:maxTenantID]
	}
	if id[position] == '|' {
		return fmt.Errorf("tenant ID %q has a \"|\", which joins several tenants; want one", shown)
	}
	return fmt.Errorf("tenant ID %q has a byte %q at position %d; want letters, digits and !-_.*'()", shown, id[position:position+1], position)
}
