// Package authcache answers from memory who is calling: it knows every configured credential by a keyed digest, so that
// a request costs one SHA-256 and one or two look-ups, without a lock and without an allocation, whatever the number of
// tenants and however slow the hash or the signature. It reads no files and no requests. What an identity may do it does
// not decide either, but for one thing that belongs to nobody else: which tenants it may name (TenantRules).
//
// A credential is looked for in these places:
//
//   - the static table: digests of the passwords and tokens the sources give in plain text, of generated ones by their
//     SHA-256, and of the names of certificates;
//   - the verified table: digests of the secrets that once matched a stored hash, and of the signed tokens whose
//     signature was once checked. Each stays as long as what vouches for it is unchanged: the entry of a source, or the
//     key, the list of revoked tokens and the token's own time;
//   - the queues, one for passwords and one for tokens: what has to be checked now against slow hashes or keys. Each
//     secret is checked once however many requests ask, few at a time, and what waits too long is Busy, as is a token
//     while the keys of its issuer were never read;
//   - for a request without any credential, the list of addresses that need none.
//
// Whatever is found nowhere is Rejected, or Unready while a source has not been read. A wrong password costs one check of
// the highest cost there is, so that nobody can tell an unknown user from a wrong password, nor a right one that may not
// be used from here or any more. A wrong token costs its own check alone: it has no name that could be found out
// (docs/adr/0003).
package authcache
