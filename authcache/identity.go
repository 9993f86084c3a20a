package authcache

// Identity is who a verified credential is. It never changes once it was given to a Cache; every request that presents
// the credential gets the same pointer.
//
// The cache keeps the strings as they are. Who decodes them from a file with secrets in it should clone them, or they
// keep the whole text of the file in memory.
type Identity struct {
	Tenant string // goes upstream as X-Scope-OrgID; ValidTenant
	Client string // name for logs, metrics and X-Scope-ClientID; as SafeClient gives it
	Scopes Scope
}

// Equal reports whether both say the same.
func (i *Identity) Equal(other *Identity) bool { return *i == *other }
