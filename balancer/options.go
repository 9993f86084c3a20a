package balancer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"
)

// Options say what a Pool is made of. They are plain values: the pool keeps a copy and never changes what they point to.
type Options struct {
	// Name is the upstream's name in logs and metrics: "distributor".
	Name string
	// Targets are the URLs of the upstream, merged into one list of hosts. The same one twice counts once.
	Targets []Target

	// TLS is nil for plain HTTP. With an empty ServerName the name of the target is sent and verified (Target.Name).
	TLS *tls.Config
	// TLSKey says whether the TLS settings of two pools are the same: New adopts hosts only when the keys are equal.
	// An empty key is equal to nothing but the same *tls.Config.
	TLSKey string

	// Resolver answers for the targets that are no literal addresses; nil is the system's, NewResolver(nil).
	Resolver Resolver
	// RefreshInterval is the time between two look-ups of the same target, ±10 %; zero or less is 5 s.
	RefreshInterval time.Duration

	// ConnectTimeout bounds the TCP connect and the TLS handshake together; zero or less is 2 s.
	ConnectTimeout time.Duration
	// IdleTimeout is how long a connection may rest unused before it is closed; zero or less is 90 s.
	IdleTimeout time.Duration
	// MaxConnectionAge closes a connection that is older, when it is released or before it is used again; each one at
	// a random age in the last tenth of it, so that they do not all go at once. Zero or less is for ever.
	MaxConnectionAge time.Duration
	// UserTimeout is how long sent bytes may stay unacknowledged before the kernel ends the connection
	// (TCP_USER_TIMEOUT, Linux only), so that a machine without power is noticed. Bytes that a host has no room for count
	// too, so it is no less than what the caller allows for writing. Zero or less is 10 s.
	UserTimeout time.Duration
	// MaxConnections is the most connections to one host; zero or less is no limit.
	MaxConnections int
	// QueueTimeout is how long Acquire waits for a connection when MaxConnections are in use; zero or less: not at all.
	QueueTimeout time.Duration

	// Policy says which of the available hosts takes a request.
	Policy Policy
	// MaxFails is after how many failures in a row a host is passed over; zero or less: never.
	MaxFails int
	// FailTimeout is for how long it is passed over before a probe may bring it back; zero or less is 5 s.
	FailTimeout time.Duration
	// Health makes the pool ask every host again and again how it is; without a path it does not.
	Health Health

	// Metrics receives the pool's series; nil: none.
	Metrics *Metrics
	// Log receives changes of the list and of a host's state; nil: nothing is logged.
	Log *slog.Logger

	// For tests: afterRound is called by the resolver goroutine when all targets have been asked once more, probe takes
	// the place of a probe on the network.
	afterRound func()
	probe      func(context.Context, *Host) error
}

// Health says how hosts are probed with requests of our own. Probes never take out more than half of the hosts: when
// more of them seem ill, it is rather the probe that is wrong, or the others cannot carry the load.
type Health struct {
	// Path is what is asked for, with GET; an answer of 2xx is good. Empty: no such probes.
	Path string
	// Host is the Host header of the probes; empty: the host's address.
	Host string
	// Interval is the time between two probes of the same host, ±10 %; zero or less is 5 s.
	Interval time.Duration
	// Timeout bounds one probe with its connect; zero or less is 2 s.
	Timeout time.Duration
	// Rise is after how many good answers in a row an ill host is well again; zero or less is 2.
	Rise int
	// Fall is after how many bad answers in a row a host is ill; zero or less is 3.
	Fall int
}

// Defaults for Options fields that are zero, see there.
const (
	defaultRefreshInterval = 5 * time.Second
	defaultConnectTimeout  = 2 * time.Second
	defaultIdleTimeout     = 90 * time.Second
	defaultUserTimeout     = 10 * time.Second
	defaultFailTimeout     = 5 * time.Second
	defaultHealthInterval  = 5 * time.Second
	defaultHealthTimeout   = 2 * time.Second
	defaultRise            = 2
	defaultFall            = 3
)

// withDefaults returns o with every zero value replaced as the fields' comments say.
func (o Options) withDefaults() Options {
	if o.Resolver == nil {
		o.Resolver = NewResolver(nil)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("upstream", o.Name)
	setDefault(&o.RefreshInterval, defaultRefreshInterval)
	setDefault(&o.ConnectTimeout, defaultConnectTimeout)
	setDefault(&o.IdleTimeout, defaultIdleTimeout)
	setDefault(&o.UserTimeout, defaultUserTimeout)
	setDefault(&o.FailTimeout, defaultFailTimeout)
	setDefault(&o.Health.Interval, defaultHealthInterval)
	setDefault(&o.Health.Timeout, defaultHealthTimeout)
	setDefault(&o.Health.Rise, defaultRise)
	setDefault(&o.Health.Fall, defaultFall)
	o.MaxFails = max(o.MaxFails, 0)
	o.MaxConnectionAge = max(o.MaxConnectionAge, 0)
	o.MaxConnections = max(o.MaxConnections, 0)
	o.QueueTimeout = max(o.QueueTimeout, 0)
	if o.probe == nil {
		o.probe = o.probeHost
	}
	return o
}

func setDefault[N int | time.Duration](n *N, value N) {
	if *n <= 0 {
		*n = value
	}
}

// link is what decides how connections to a host are made and kept. A host can move to another pool only when its link
// is the same there. It is comparable.
type link struct {
	upstream                                                            string
	connectTimeout, idleTimeout, maxConnectionAge, userTimeout, maxWait time.Duration
	maxConnections                                                      int
	secure                                                              bool
	tlsKey                                                              string
	tlsConfig                                                           *tls.Config // set only when there is no key to compare
}

func (o Options) link() link {
	l := link{
		upstream:         o.Name,
		connectTimeout:   o.ConnectTimeout,
		idleTimeout:      o.IdleTimeout,
		maxConnectionAge: o.MaxConnectionAge,
		userTimeout:      o.UserTimeout,
		maxWait:          o.QueueTimeout,
		maxConnections:   o.MaxConnections,
		secure:           o.TLS != nil,
	}
	if o.TLSKey != "" {
		l.tlsKey = o.TLSKey
	} else {
		l.tlsConfig = o.TLS
	}
	return l
}

// serverName returns the name to send and to verify on TLS connections to hosts of t, empty without TLS.
func (o Options) serverName(t Target) string {
	switch {
	case o.TLS == nil:
		return ""
	case o.TLS.ServerName != "":
		return o.TLS.ServerName
	default:
		return t.Name()
	}
}
