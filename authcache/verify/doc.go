// Package verify checks what a client presents against what is known, exactly and at its own speed: passwords against
// stored hashes (bcrypt, apr1, SHA-1), signed tokens against keys, which it fetches and keeps up to date where they come
// from a provider. It remembers no secret it has seen, limits nothing and knows neither users nor Cortex: authcache
// decides when a check may run, and keeps what came of it.
package verify
