package authcache

import (
	"crypto/sha256"
	"net/netip"
	"time"
)

// sight is what was seen of a credential so far.
type sight struct {
	identity *Identity // who presents it; nil until an entry is found that may be used now, from there
	refusal  Verdict   // meanwhile what is wrong with the first entry that has it, Rejected while there is none
}

// judge notes an entry that has the credential, and reports whether a client at this address may use it now.
func (s *sight) judge(identity *Identity, from netip.Addr) bool {
	verdict := identity.judge(from)
	switch {
	case verdict == Accepted:
		s.identity = identity
	case s.refusal == Rejected:
		s.refusal = verdict
	}
	return verdict == Accepted
}

// look finds a credential in all places that need no slow check.
func (c *Cache) look(d digest, cred Credential) sight {
	seen := sight{refusal: Rejected}
	if s := c.static.slot(&d); s != nil && seen.judge(s.identity, cred.From) {
		s.touch(c.minute.now.Load())
		c.metrics.slowStatic.Add(1)
		return seen
	}
	r := c.proven(d, cred, &seen)
	if r == nil {
		r = c.generatedSecret(d, cred, &seen)
	}
	if r != nil {
		c.touch(r)
		c.metrics.slowVerified.Add(1)
	}
	return seen
}

// proven returns a record that may be used and vouches for a secret which matched a hash, or for a token; nil if there is
// none. The verified table has one record for a secret. Others of the same user name that it matched keep the proof, and
// are found by the name: two networks may have the same password, and none of them is to push out what the other proved.
func (c *Cache) proven(d digest, cred Credential, seen *sight) *record {
	if r := c.findVerified(d); r != nil && seen.judge(r.identity.Load(), cred.From) {
		return r
	}
	if cred.Scheme != Basic || c.slow.Load() == 0 {
		return nil
	}
	name := c.names.find(cred.User)
	if name == nil {
		return nil
	}
	for _, r := range name.records {
		p := r.hashed.proof.Load()
		if p != nil && p.digest == d && c.vouches(r, time.Now()) && seen.judge(r.identity.Load(), cred.From) {
			return r
		}
	}
	return nil
}

// generatedSecret returns the record that may be used of a secret of which only the SHA-256 is known, nil if there is none.
// From then on it is in the verified table.
func (c *Cache) generatedSecret(d digest, cred Credential, seen *sight) *record {
	if c.generated.Load() == 0 || cred.Scheme > Bearer {
		return nil
	}
	sum := sha256.Sum256(cred.Secret)
	stored := c.digester.sum(storedSHA256+kind(cred.Scheme), cred.User, sum[:])
	r := c.static.record(&stored)
	if r == nil || r.hashed == nil || !seen.judge(r.identity.Load(), cred.From) {
		return nil
	}
	c.prove(r, d)
	return r
}
