package authcache

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxClientName is the longest client name, in bytes, that is shown as it is.
const maxClientName = 128

// client is a name that one tenant has for a client of its own: another tenant may have it too.
type client struct{ tenant, name string }

// client is who the identity is counted as.
func (i *Identity) client() client { return client{i.Tenant, i.Client} }

// String is the tenant, a slash and the name. No tenant has a slash, so no other client reads the same.
func (c client) String() string { return c.tenant + "/" + c.name }

// SafeClient returns the name under which a client appears in headers, logs and metrics: name itself, or, when that is
// empty, over 128 bytes or not visible ASCII (0x21 to 0x7e, so no blanks), "sha256:" and the first 16 hex digits of its
// SHA-256. A certificate's CN and a token's sub may be anything; this makes them harmless and keeps them apart.
func SafeClient(name string) string {
	if name != "" && len(name) <= maxClientName && isVisible(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

func isVisible(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

// BearerClient is the name of a client that has a token and no name: its tenant, a slash and the first 8 hex digits of
// the token's SHA-256, given in hex.
func BearerClient(tenant, tokenSHA256 string) string {
	return SafeClient(tenant + "/" + tokenSHA256[:min(8, len(tokenSHA256))])
}
