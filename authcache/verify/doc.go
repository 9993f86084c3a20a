// Package verify checks a presented secret against a stored hash, exactly and at the hash's own speed. It remembers
// nothing, limits nothing and knows neither users nor tenants: authcache decides when a check may run, and keeps what
// came of it.
package verify
