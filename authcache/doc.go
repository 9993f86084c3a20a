// Package authcache answers from memory who is calling: it knows every configured credential by a keyed digest, so that
// a request costs one SHA-256 and one look-up, without a lock and without an allocation, whatever the number of tenants
// and however slow the hash the operator stored. It reads no files and no requests, and does not decide what an
// identity may do.
//
// A credential is looked for in three places:
//
//   - the static table: digests of the passwords and tokens the sources give in plain text;
//   - the verified table: digests of the secrets that once matched a stored slow hash (bcrypt);
//   - the queue: secrets that have to be checked against such a hash now. Each is checked once however many requests
//     ask, few at a time, and what waits too long is Busy.
//
// Whatever is found nowhere is Rejected, or Unready while a source has not been read.
package authcache
