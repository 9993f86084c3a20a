package authcache

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/headgate/headgate/authcache/verify"
)

// Authenticate says who presents this credential. The identity is nil unless the verdict is Accepted. A known credential
// costs one SHA-256 and one or two look-ups; one that has to be checked against a slow hash or a key blocks until it
// was, or until Options.QueueTimeout.
func (c *Cache) Authenticate(cred Credential) (*Identity, Verdict) {
	identity, verdict, counted := c.authenticate(cred)
	if !counted {
		c.metrics.results.count(cred.Scheme, verdict)
	}
	return identity, verdict
}

// authenticate is Authenticate, and reports whether the result was counted on the way: one that memory had an answer for
// at once is counted as that alone.
func (c *Cache) authenticate(cred Credential) (_ *Identity, _ Verdict, counted bool) {
	if cred.Scheme == Anonymous {
		identity, verdict := c.withoutCredential(cred.From)
		return identity, verdict, false
	}
	if cred.Scheme > Anonymous || cred.oversized() {
		c.metrics.misses.Inc()
		return nil, Rejected, false
	}
	d := c.digester.sum(presented+kind(cred.Scheme), cred.User, cred.Secret)
	// Fast path: a password or token that is configured in plain text, or a certificate's name.
	if s := c.static.slot(&d); s != nil {
		if s.onTerms {
			identity, verdict := c.search(d, cred)
			return identity, verdict, false
		}
		s.touch(c.minute.now.Load())
		c.metrics.fastStatic[cred.Scheme].Add(1)
		return s.identity, Accepted, true
	}
	// Fast path: a secret that matched a hash before, or a token that was verified before.
	if r := c.findVerified(d); r != nil {
		if identity := r.identity.Load(); identity.Terms == nil {
			c.touch(r)
			c.metrics.fastVerified[cred.Scheme].Add(1)
			return identity, Accepted, true
		}
	}
	identity, verdict := c.search(d, cred)
	return identity, verdict, false
}

// AuthenticateCertificate says who a verified client certificate is: the first of its names (CertificateNames) that is
// configured decides, whatever the verdict on it.
func (c *Cache) AuthenticateCertificate(names [][]byte, from netip.Addr) (*Identity, Verdict) {
	verdict, doubt := Rejected, false
	for _, name := range names {
		identity, decided, counted := c.authenticate(Credential{Scheme: Certificate, User: name, From: from})
		if verdict = decided; verdict == Rejected || verdict == Unready && !c.knowsName(name) {
			doubt = doubt || verdict == Unready
			continue
		}
		if !counted {
			c.metrics.results.count(Certificate, verdict)
		}
		return identity, verdict
	}
	if doubt || len(names) == 0 && !c.settled() {
		verdict = Unready
	}
	c.metrics.results.count(Certificate, verdict)
	return nil, verdict
}

// touch notes that a credential in the verified table was used, and the key that vouches for it.
func (c *Cache) touch(r *record) {
	minute := c.minute.now.Load()
	r.touch(minute)
	if r.token != nil {
		r.token.verified.Key().Touch(minute)
	}
}

// findVerified returns the record that vouches for a secret which matched a hash, or for a token; nil if there is none.
func (c *Cache) findVerified(d digest) *record {
	if c.hashed.Load()+c.tokenCount.Load() == 0 {
		return nil
	}
	r, found := c.verified.Load(d)
	if !found {
		return nil
	}
	if r.token == nil && c.ttl.Load() == 0 { // Fast path: without a clock
		if r.hashed.gone.Load() {
			return nil
		}
		return r
	}
	if !c.vouches(r, time.Now()) {
		return nil
	}
	return r
}

// vouches reports whether a record of the verified table still does for what it is found by.
func (c *Cache) vouches(r *record, now time.Time) bool {
	ttl := c.timeToLive()
	if r.token != nil {
		return r.token.source == c.tokens.Load() && r.token.good(now, ttl)
	}
	if r.hashed.gone.Load() {
		return false
	}
	p := r.hashed.proof.Load()
	return ttl <= 0 || p != nil && now.Sub(p.at) < ttl
}

// costly reports whether the rejection of such a credential takes the time of a slow hash. Who cannot be right is refused
// at once, whether the user exists or not, and only basic authentication has users. A token is refused at the price of
// its own check: there is no name that could be found out, and nothing of a token is right before all of it is.
func (c *Cache) costly(cred Credential) bool {
	return cred.Scheme == Basic && c.slow.Load() > 0 && bytes.IndexByte(cred.Secret, 0) < 0 &&
		(len(cred.Secret) <= verify.MaxBcryptPassword || c.unbounded.Load() > 0)
}

// apart is for those who may use no slow credential of a user name, so that those who may do not get their answer.
func (d digest) apart() digest {
	d[0] = ^d[0]
	return d
}

// generationOf grows whenever a credential of this scheme that was refused may be good.
func (c *Cache) generationOf(scheme Scheme) uint64 {
	generation := c.generation.Load()
	if scheme == Bearer {
		generation += c.tokens.Load().version()
	}
	return generation
}

// changesPerRequest is how often the credentials may change under one request before it is told to come again.
const changesPerRequest = 8

// search decides on a credential that was not in memory a moment ago, or is bound to a time or to addresses. Sources may be
// replaced meanwhile, so it first notes how things stand and then looks once more: a rejection has to hold for all that was
// in force when it is given.
//
// Several entries of one user name may have the same password. It is good if any of them may be used now, from there, so
// one that may not is refused only when all are, and at the price of a wrong one: how long that takes shall not tell that
// the secret was right.
func (c *Cache) search(d digest, cred Credential) (*Identity, Verdict) {
	for range changesPerRequest {
		settled := c.settled()
		generation := c.generationOf(cred.Scheme)
		seen := c.look(d, cred)
		if seen.identity != nil {
			return seen.identity, Accepted
		}
		final := func(refusal Verdict) (*Identity, Verdict) {
			if seen.refusal != Rejected {
				refusal = seen.refusal
			}
			if refusal != Forbidden && refusal != Busy && !(settled && c.settled()) {
				refusal = Unready // the source that cannot be read may have it, or on other terms
			}
			return nil, refusal
		}

		if seen.refusal == Rejected {
			c.metrics.misses.Inc()
		}
		p := &c.passwords
		asked := check{key: d, digest: d, generation: generation}
		switch {
		case cred.Scheme == Bearer && verify.LooksSigned(cred.Secret) && c.tokens.Load().options.Tokens != nil:
			p = &c.signatures
		case c.costly(cred):
			c.address(&asked, cred)
		case generation != c.generationOf(cred.Scheme):
			continue
		default:
			return final(Rejected)
		}
		if refusal, found := p.rejections.remembers(asked.key, generation, time.Now()); found {
			c.metrics.hitRejected.Inc()
			return final(refusal)
		}
		f, proved := p.queue.join(asked, cred.Secret, func() bool { return c.proven(d, cred, &sight{}) != nil })
		switch {
		case proved:
			continue
		case f == nil:
			return nil, Busy
		}
		<-f.done
		switch {
		case f.outcome == busy:
			return nil, Busy
		case f.outcome == accepted:
			// A flight that began before a change may have found what this client may not use.
			if identity := f.record.identity.Load(); c.vouches(f.record, time.Now()) && identity.judge(cred.From) == Accepted {
				return identity, Accepted
			}
		case f.again != nil:
			if !c.waitFor(f.again) {
				return nil, Busy
			}
		case f.generation == generation && generation == c.generationOf(cred.Scheme): // or what was looked at may be another now
			return final(f.verdict)
		}
	}
	return nil, Busy
}

// address finds the slow credentials that a password may be of. Who may use only some of those of a user name gets an
// answer of its own.
func (c *Cache) address(asked *check, cred Credential) {
	name := c.names.find(cred.User)
	if name == nil {
		return
	}
	switch usable := name.usable(cred.From); len(usable) {
	case len(name.records):
		asked.name, asked.records = name, usable
	case 0:
		asked.key = asked.digest.apart()
	default:
		asked.name, asked.records = name, usable
		asked.key = c.digester.at(asked.digest, cred.From)
	}
}

// waitFor waits for a reading of keys, but not for ever, and reports whether it is over.
func (c *Cache) waitFor(again <-chan struct{}) bool {
	timer := time.NewTimer(c.signatures.queue.timeout)
	defer timer.Stop()
	select {
	case <-again:
		return true
	case <-timer.C:
		return false
	}
}

// match runs the hashes of a user name one after the other. One that matches but is not to be used any more, or not yet,
// is like a wrong one, but for what is said of it.
func (c *Cache) match(f *flight) (*record, verify.Work) {
	var spent verify.Work
	for _, r := range f.records {
		right := r.hashed.hash.Match(f.secret)
		spent = spent.Plus(r.hashed.hash.Work())
		if !right {
			continue
		}
		terms := r.identity.Load().Terms
		switch f.verdict = terms.At(time.Now()); {
		case f.verdict == Accepted:
			return r, spent
		case f.verdict == Early && (f.begins.IsZero() || terms.NotBefore.Before(f.begins)):
			f.begins = terms.NotBefore
		}
	}
	return nil, spent
}

// pad adds what is missing to the work of the most expensive user name, so that all rejections take equally long.
func (c *Cache) pad(f *flight, spent verify.Work) {
	if missing := c.highest.Load().Minus(spent); missing != (verify.Work{}) {
		c.burn(missing, f.secret)
	}
}

// prove puts a secret that matched into the verified table. There is one for each record, so the table is never larger
// than the number of such credentials. (It is an xsync.Map rather than parts as in the static table, because workers add
// to it one by one: copying a part for each would cost more than the look-up saves.)
func (c *Cache) prove(r *record, d digest) {
	if old := r.hashed.proof.Swap(&proof{digest: d, at: time.Now()}); old != nil && old.digest != d {
		c.disprove(r, old.digest)
	}
	r.touch(c.minute.now.Load())
	c.verified.Store(d, r)
	if r.hashed.gone.Load() { // removed just now, by somebody who may not have seen the proof
		c.disprove(r, d)
	}
}

// disprove takes the secret out of the verified table, if it is this record that vouches for it.
func (c *Cache) disprove(r *record, d digest) {
	c.verified.Compute(d, func(held *record, _ bool) (*record, xsync.ComputeOp) {
		if held == r {
			return nil, xsync.DeleteOp
		}
		return held, xsync.CancelOp
	})
}
