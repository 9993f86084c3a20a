package authcache

import (
	"cmp"
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/headgate/headgate/authcache/verify"
)

// Verdict is what a Cache says of a credential.
type Verdict uint8

// The verdicts. Only Rejected means that the credential is wrong: every source was read, and none has it.
const (
	Accepted Verdict = iota
	Rejected
	Unready // no source that could be read has it, but one could not be read: it may be right
	Busy    // it has to be checked against a slow hash, and there was no time: it may be right
)

// String is the verdict in one lower-case word.
func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	case Unready:
		return "unready"
	case Busy:
		return "busy"
	}
	return "unknown"
}

// Defaults of Options.
const (
	DefaultQueueLimit   = 1024
	DefaultQueueTimeout = 5 * time.Second
)

// Options of a Cache. The zero value is good.
type Options struct {
	// Workers is how many slow checks run at a time. 0: half of the processors Go may use, at least one.
	Workers int
	// QueueLimit is how many secrets may wait for a slow check; what comes on top is Busy. 0: DefaultQueueLimit.
	QueueLimit int
	// QueueTimeout is how long a secret may wait for its check to begin; then it is Busy. 0: DefaultQueueTimeout.
	QueueTimeout time.Duration
	// Metrics is the set that headgate_auth_* are registered in, for one Cache at a time. nil: they are not exported.
	Metrics *metrics.Set
}

// Cache knows every configured credential. All its methods may be called at any time from any goroutine, except that
// Close ends the slow checks.
type Cache struct {
	digester  *digester
	static    table                       // credentials whose secret is known in plain text
	verified  *xsync.Map[digest, *record] // secrets that matched a slow hash; see prove
	names     slowNames                   // user names with slow credentials
	slow      atomic.Int64                // how many slow credentials there are
	length    atomic.Int64                // how many credentials there are
	highest   atomic.Uint64               // the work of a rejection, in rounds
	unsettled atomic.Int64                // sources that leave a doubt about what they hold

	generation atomic.Uint64 // counts the calls of Replace that took effect
	rejections rejections
	queue      queue
	metrics    *counters

	parseHash func(string) (verify.Hash, error) // immutable
	burn      func(uint64, []byte)              // immutable

	mu      sync.Mutex // serialises the writers; no reader takes it
	round   uint32
	sources map[string]*source
	users   map[string]*record // of Basic: the first record of each user name
	hashes  map[digest]*record // slow credentials by the digest of their stored hash
}

// New returns an empty cache, which rejects everything. Close it.
func New(o Options) *Cache {
	return newCache(o, verify.ParseHash, verify.NewBurner().Burn)
}

// newCache takes what does the slow work, so that tests can let it take no time.
func newCache(o Options, parse func(string) (verify.Hash, error), burn func(uint64, []byte)) *Cache {
	c := &Cache{
		digester:  newDigester(),
		verified:  xsync.NewMap[digest, *record](),
		names:     slowNames{seed: maphash.MakeSeed()},
		metrics:   newCounters(o.Metrics),
		parseHash: parse,
		burn:      burn,
		sources:   map[string]*source{},
		users:     map[string]*record{},
		hashes:    map[digest]*record{},
	}
	c.queue = queue{
		match:   c.match,
		pad:     c.pad,
		proved:  c.prove,
		refused: func(d digest, generation uint64) { c.rejections.remember(d, generation, time.Now()) },
		limit:   cmp.Or(o.QueueLimit, DefaultQueueLimit),
		timeout: cmp.Or(o.QueueTimeout, DefaultQueueTimeout),
		metrics: c.metrics,
	}
	c.queue.start(cmp.Or(o.Workers, max(1, runtime.GOMAXPROCS(0)/2)))
	c.metrics.gauge("headgate_auth_credentials", func() float64 { return float64(c.length.Load()) })
	c.metrics.gauge("headgate_auth_slow_credentials", func() float64 { return float64(c.slow.Load()) })
	c.metrics.gauge("headgate_auth_verified_credentials", func() float64 { return float64(c.verified.Size()) })
	c.metrics.gauge("headgate_auth_sources_unready", func() float64 { return float64(c.unsettled.Load()) })
	c.metrics.gauge("headgate_auth_queue_length", func() float64 { return float64(c.queue.waiting()) })
	c.metrics.gauge("headgate_auth_queue_limit", func() float64 { return float64(c.queue.limit) })
	return c
}

// Close ends the slow checks and returns when those that run are over. Credentials that are known already are still
// Accepted; one that would need a check is Busy.
func (c *Cache) Close() {
	c.queue.close()
	c.metrics.close()
}

// Len is the number of credentials.
func (c *Cache) Len() int { return int(c.length.Load()) }

// Authenticate says who presents this credential. The identity is nil unless the verdict is Accepted. A known credential
// costs one SHA-256 and one look-up; one that has to be checked against a slow hash blocks until it was, or until
// Options.QueueTimeout.
func (c *Cache) Authenticate(cred Credential) (*Identity, Verdict) {
	if cred.oversized() {
		c.metrics.misses.Inc()
		return nil, Rejected
	}
	d := c.digester.sum(presented+kind(cred.Scheme), cred.User, cred.Secret)
	// Fast path: a password or token that is configured in plain text.
	if identity := c.static.find(&d); identity != nil {
		c.metrics.hitStatic.Inc()
		return identity, Accepted
	}
	// Fast path: a secret that matched a slow hash before.
	if c.slow.Load() > 0 {
		if identity := c.findVerified(d); identity != nil {
			c.metrics.hitVerified.Inc()
			return identity, Accepted
		}
	}
	c.metrics.misses.Inc()
	return c.unknown(d, cred)
}

// changesPerRequest is how often the credentials may change under one request before it is told to come again.
const changesPerRequest = 8

// unknown decides on a credential that was not in memory a moment ago. Sources may be replaced meanwhile, so it first
// notes how things stand and then looks once more: a rejection has to hold for all that was in force when it is given.
func (c *Cache) unknown(d digest, cred Credential) (*Identity, Verdict) {
	for range changesPerRequest {
		refusal := Rejected
		if c.unsettled.Load() > 0 {
			refusal = Unready
		}
		generation := c.generation.Load()

		if identity := cmp.Or(c.static.find(&d), c.findVerified(d)); identity != nil {
			return identity, Accepted
		}
		// Who cannot be right is refused at once, whether the user exists or not. Only basic authentication has
		// users, and slow hashes.
		if c.slow.Load() == 0 || cred.Scheme != Basic || !verify.CanBcrypt(cred.Secret) {
			return nil, refusal
		}
		if c.rejections.remembers(d, time.Now()) {
			c.metrics.hitRejected.Inc()
			return nil, refusal
		}
		f := c.queue.join(d, c.names.find(cred.User), cred.Secret, generation)
		if f == nil {
			return nil, Busy
		}
		<-f.done
		switch f.outcome {
		case busy:
			return nil, Busy
		case accepted:
			if !f.record.slow.gone.Load() {
				return f.record.identity.Load(), Accepted
			}
		case rejected:
			if f.generation == c.generation.Load() {
				if c.unsettled.Load() > 0 {
					refusal = Unready
				}
				return nil, refusal
			}
		}
	}
	return nil, Busy
}

// findVerified returns who presents a secret that matched a slow hash, nil if this one did not.
func (c *Cache) findVerified(d digest) *Identity {
	r, found := c.verified.Load(d)
	if !found || r.slow.gone.Load() {
		return nil
	}
	return r.identity.Load()
}

// match runs the hashes of a user name one after the other.
func (c *Cache) match(f *flight) (*record, uint64) {
	var spent uint64
	if f.name != nil {
		for _, r := range f.name.records {
			if r.slow.hash.Match(f.secret) {
				return r, spent
			}
			spent += r.slow.hash.Rounds()
		}
	}
	return nil, spent
}

// pad adds what is missing to the work of the most expensive user name, so that all rejections take equally long.
func (c *Cache) pad(f *flight, spent uint64) {
	if highest := c.highest.Load(); highest > spent {
		c.burn(highest-spent, f.secret)
	}
}

// prove puts a secret that matched into the verified table. There is one for each record, so the table is never larger
// than the number of slow credentials. (It is an xsync.Map rather than parts as in the static table, because workers add
// to it one by one: copying a part for each would cost more than the look-up saves.)
func (c *Cache) prove(r *record, d digest) {
	if old := r.slow.proof.Swap(&d); old != nil && *old != d {
		c.disprove(r, *old)
	}
	c.verified.Store(d, r)
	if r.slow.gone.Load() { // removed just now, by somebody who may not have seen the proof
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
