package authcache

import (
	"cmp"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/headgate/headgate/authcache/verify"
)

// Verdict is what a Cache says of a credential.
type Verdict uint8

// The verdicts. Only Rejected and what comes after Busy mean that the credential is no good: every source was read.
// Expired, Early and Misplaced are told apart for logs and metrics; to the client they should look like Rejected.
const (
	Accepted  Verdict = iota
	Rejected          // no source has it
	Unready           // no source that could be read has it, but one could not be read: it may be right
	Busy              // it has to be checked against a slow hash or a key, and there was no time, or no key yet: it may be right
	Expired           // it is known, and was good until Terms.Expires and Terms.Grace
	Early             // it is known, and will be good from Terms.NotBefore
	Misplaced         // it is known, but not to be used from this address
	Forbidden         // it is a good token that names no tenant, or one that cannot be
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
	case Expired:
		return "expired"
	case Early:
		return "early"
	case Misplaced:
		return "misplaced"
	case Forbidden:
		return "forbidden"
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
	// Slowly runs a check of a slow hash and returns when that has ended: where it does not hold up what must not wait. nil:
	// it is called as it is.
	Slowly func(check func())
	// Metrics is the set that headgate_auth_* are registered in, for one Cache at a time. nil: they are not exported.
	Metrics *metrics.Set
}

// Cache knows every configured credential. All its methods may be called at any time from any goroutine, except that
// Close ends the slow checks.
type Cache struct {
	digester  *digester
	static    table                       // credentials whose secret is known in plain text or as a SHA-256, and certificates
	openTo    addresses                   // credentials of nobody, by address
	verified  *xsync.Map[digest, *record] // secrets that matched a hash, and tokens; see prove
	names     slowNames                   // user names with slow credentials
	tokens    atomic.Pointer[tokenSource] // what signed tokens are checked with; never nil
	minute    minutes                     // a coarse clock
	signed    signedTokens                // the tokens in verified
	length    atomic.Int64                // how many credentials there are
	hashed    atomic.Int64                // how many of them are known as a hash of whatever kind
	generated atomic.Int64                // how many of those as a SHA-256
	slow      atomic.Int64                // how many of those by a slow hash
	unbounded atomic.Int64                // how many slow hashes take passwords of any length
	byScheme  [Anonymous + 1]atomic.Int64 // how many credentials there are of each scheme
	highest   atomic.Pointer[verify.Work] // the work of a rejection
	unsettled atomic.Int64                // sources that leave a doubt about what they hold
	heldBack  atomic.Int64                // credentials whose removal is held

	ttl        atomic.Int64 // how long a proof holds, in nanoseconds; 0: for ever
	maxTokens  atomic.Int64 // how many tokens are kept; 0: no limit
	tokenCount atomic.Int64 // how many are

	generation atomic.Uint64 // counts the calls of Replace that took effect
	passwords  prover        // what is checked against slow hashes
	signatures prover        // what is checked against keys
	metrics    *counters

	parseHash func(string) (verify.Hash, error) // immutable
	burn      func(verify.Work, []byte)         // immutable

	stop chan struct{} // ends the clock
	done sync.WaitGroup

	mu      sync.Mutex // serialises the writers; no reader takes it
	round   uint32
	sources map[string]*source
	users   map[string]*record // of Basic: the first record of each user name
	clients clientCounts       // whose the credentials of the sources are
	hashes  map[digest]*record // slow credentials by the digest of their stored hash
	open    map[digest]*record // credentials of nobody
}

// prover checks what is presented, and remembers what was wrong.
type prover struct {
	queue      queue
	rejections rejections
}

// New returns an empty cache, which rejects everything. Close it.
func New(o Options) *Cache {
	return newCache(o, verify.ParseHash, verify.NewBurner().Burn)
}

// newCache takes what does the slow work, so that tests can let it take no time.
func newCache(o Options, parse func(string) (verify.Hash, error), burn func(verify.Work, []byte)) *Cache {
	c := &Cache{
		digester:  newDigester(),
		verified:  xsync.NewMap[digest, *record](),
		names:     slowNames{seed: maphash.MakeSeed()},
		metrics:   newCounters(o.Metrics),
		parseHash: parse,
		burn:      burn,
		stop:      make(chan struct{}),
		sources:   map[string]*source{},
		users:     map[string]*record{},
		hashes:    map[digest]*record{},
		open:      map[digest]*record{},
	}
	c.tokens.Store(&tokenSource{})
	c.highest.Store(&verify.Work{})
	c.minute.set(time.Now())
	c.start(o)
	c.done.Go(func() { c.keepTime(c.stop) })
	c.metrics.gauge("headgate_auth_credentials", func() float64 { return float64(c.length.Load()) })
	c.metrics.gauge("headgate_auth_slow_credentials", func() float64 { return float64(c.slow.Load()) })
	c.metrics.gauge("headgate_auth_verified_credentials", func() float64 { return float64(c.verified.Size()) })
	c.metrics.gauge("headgate_auth_tokens", func() float64 { return float64(c.tokenCount.Load()) })
	c.metrics.gauge("headgate_auth_tokens_limit", func() float64 { return float64(c.maxTokens.Load()) })
	c.metrics.gauge("headgate_auth_sources_unready", func() float64 { return float64(c.countUnsettled()) })
	c.metrics.gauge("headgate_auth_removals_held", func() float64 { return float64(c.heldBack.Load()) })
	for name, q := range map[string]*queue{"passwords": &c.passwords.queue, "signatures": &c.signatures.queue} {
		c.metrics.gauge(`headgate_auth_queue_length{queue="`+name+`"}`, func() float64 { return float64(q.waiting()) })
		c.metrics.gauge(`headgate_auth_queue_limit{queue="`+name+`"}`, func() float64 { return float64(q.limit) })
	}
	return c
}

// start begins with the slow work: passwords and signatures each have a queue of their own, of the same size.
func (c *Cache) start(o Options) {
	workers := cmp.Or(o.Workers, Workers())
	for _, p := range []*prover{&c.passwords, &c.signatures} {
		p.queue = queue{
			match:   c.matchToken,
			pad:     func(*flight, verify.Work) {},
			proved:  func(r *record, _ digest) { c.signed.admit(c, r) },
			refused: p.refused,
			slowly:  func(check func()) { check() },
			ttl:     c.timeToLive,
			share:   signatureShare,
			limit:   cmp.Or(o.QueueLimit, DefaultQueueLimit),
			timeout: cmp.Or(o.QueueTimeout, DefaultQueueTimeout),
			metrics: c.metrics,
		}
	}
	c.passwords.queue.match, c.passwords.queue.pad = c.match, c.pad
	c.passwords.queue.proved, c.passwords.queue.share = c.prove, commonShare
	if o.Slowly != nil {
		c.passwords.queue.slowly = o.Slowly
	}
	c.passwords.queue.start(workers)
	c.signatures.queue.start(workers)
}

// refused remembers a rejection for as long as the answer is the same.
func (p *prover) refused(f *flight) {
	if f.again != nil || f.verdict == Early && f.begins.IsZero() {
		return // it may be another in a moment
	}
	now := time.Now()
	until := now.Add(rejectionLife)
	if !f.begins.IsZero() && f.begins.Before(until) {
		until = f.begins
	}
	p.rejections.remember(rejection{f.key, f.verdict, until}, f.generation, now)
}

// Close ends the slow checks and returns when those that run are over. Credentials that are known already are still
// Accepted; one that would need a check is Busy. Key sets are closed by who made them.
func (c *Cache) Close() {
	c.passwords.queue.close()
	c.signatures.queue.close()
	close(c.stop)
	c.done.Wait()
	c.metrics.close()
}

// Len is the number of credentials.
func (c *Cache) Len() int { return int(c.length.Load()) }

// Knows reports whether there is any credential of this scheme: of Bearer, also whether signed tokens are taken at all.
func (c *Cache) Knows(s Scheme) bool {
	if s > Anonymous {
		return false
	}
	return c.byScheme[s].Load() > 0 || s == Bearer && c.tokens.Load().options.Tokens != nil
}

// Bounds of what the cache keeps of credentials that are not in a source's plain text.
type Bounds struct {
	MaxTokens int           // verified tokens; 0: no limit. Slow credentials of the sources always fit
	TTL       time.Duration // after which a hash or signature is checked once more; 0: as long as the credential is unchanged
}

// SetBounds puts other bounds in force. When fewer tokens may be kept, the surplus goes as new ones come.
func (c *Cache) SetBounds(b Bounds) {
	c.maxTokens.Store(int64(b.MaxTokens))
	c.ttl.Store(int64(b.TTL))
}

func (c *Cache) timeToLive() time.Duration { return time.Duration(c.ttl.Load()) }

// settled reports whether every source was read, and none is in error: only then is a refusal final.
func (c *Cache) settled() bool { return c.unsettled.Load() == 0 && c.tokens.Load().settled() }

// countUnsettled is the number of sources that leave a doubt, key sets among them.
func (c *Cache) countUnsettled() int64 {
	n := c.unsettled.Load()
	if tokens := c.tokens.Load().options.Tokens; tokens != nil {
		for _, set := range tokens.KeySets() {
			if !set.Read || set.Err != nil {
				n++
			}
		}
	}
	return n
}
