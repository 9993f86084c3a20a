package fleet

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Change is what happened to one key, which is without the prefix.
type Change struct {
	Key   string
	Text  string // what it holds now
	Gone  bool   // it is not there any more
	Meant bool   // and that was an operator's wish: Store.Delete
}

// Follower is told what etcd holds. Its methods are called one at a time.
type Follower interface {
	// Listed gets all keys, at the start and whenever changes were missed. The map belongs to the follower.
	Listed(all map[string]string)
	// Changed gets what has changed since, each key once; nothing, when etcd is there again and nothing has.
	Changed(changes []Change)
	// Away is told that etcd cannot be reached, and why; again when the reason is another.
	Away(err error)
}

// Pauses of Follow.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 10 * time.Second
	lookAfter  = 5 * time.Second       // between two looks whether etcd is still there
	batchTime  = 20 * time.Millisecond // what comes within it is one batch
	batchSize  = 10_000                // keys
)

// Follow tells f what etcd holds, from now on until ctx ends.
func (s *Store) Follow(ctx context.Context, f Follower) {
	w := &watching{store: s, follower: f}
	for retry := firstRetry; ctx.Err() == nil; {
		there, err := w.follow(ctx)
		if there {
			retry = firstRetry
		}
		if err != nil && ctx.Err() == nil {
			w.away(err)
			pause(ctx, retry)
			retry = min(2*retry, lastRetry)
		}
	}
}

// watching is one follower on its way through the revisions.
type watching struct {
	store    *Store
	follower Follower
	next     int64  // revision to go on from; 0: nothing is known
	why      string // etcd is away; "": it is there
}

// follow lists, if it has to, and then watches until that ends. It reports whether etcd was there.
func (w *watching) follow(ctx context.Context) (there bool, err error) {
	if w.next == 0 {
		all := map[string]string{}
		revision, err := w.store.each(ctx, func(key string, v Value) { all[key] = v.Text })
		if err != nil {
			return false, err
		}
		w.next, w.why = revision+1, ""
		w.follower.Listed(all)
		there = true
	}
	ctx, end := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer end()
	events := w.watch(ctx)
	looks := w.store.keepLooking(ctx)
	for {
		select {
		case <-ctx.Done():
			return there, ctx.Err()
		case answer, open := <-events:
			if err := w.take(answer, open); err != nil {
				return there, err
			}
			there = true
			changes, err := w.gather(ctx, answer, events)
			w.back(changes)
			if err != nil {
				return there, err
			}
		case err := <-looks:
			if err != nil {
				w.away(err) // the watch goes on by itself when etcd is back
				continue
			}
			there = true
			w.back(nil)
		}
	}
}

// watch is what happens from the next revision on. The client's own call returns only when etcd has answered, however
// long that takes.
func (w *watching) watch(ctx context.Context) <-chan clientv3.WatchResponse {
	from := w.next
	events := make(chan clientv3.WatchResponse)
	go func() {
		defer close(events)
		for answer := range w.store.client.Watch(ctx, w.store.prefix, clientv3.WithPrefix(), clientv3.WithRev(from)) {
			select {
			case events <- answer:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// keepLooking tells again and again whether etcd is there.
func (s *Store) keepLooking(ctx context.Context) <-chan error {
	looks := make(chan error)
	go func() {
		for ctx.Err() == nil {
			pause(ctx, lookAfter)
			select {
			case looks <- s.look(ctx):
			case <-ctx.Done():
			}
		}
	}()
	return looks
}

// take looks at an answer of the watch: nil is one to go on with.
func (w *watching) take(answer clientv3.WatchResponse, open bool) error {
	err := answer.Err()
	switch {
	case errors.Is(err, rpctypes.ErrCompacted):
		w.next = 0 // changes are lost: all has to be listed again
		return nil
	case err != nil:
		return plain(err)
	case !open:
		return errors.New("etcd: the watch has ended")
	}
	return nil
}

// gather makes one batch of an answer and what comes right behind it.
func (w *watching) gather(ctx context.Context, answer clientv3.WatchResponse, events <-chan clientv3.WatchResponse) (changes []Change, err error) {
	at := map[string]int{} // in changes, by key
	enough := time.NewTimer(batchTime)
	defer enough.Stop()
	for {
		if w.next == 0 {
			return changes, errCompacted
		}
		for _, e := range answer.Events {
			c := w.change(e)
			i, there := at[c.Key]
			if !there {
				at[c.Key] = len(changes)
				changes = append(changes, c)
				continue
			}
			c.Meant = c.Meant || c.Gone && changes[i].Gone && changes[i].Meant
			changes[i] = c
		}
		if n := len(answer.Events); n > 0 {
			w.next = answer.Events[n-1].Kv.ModRevision + 1
		}
		if len(changes) == 0 || len(changes) >= batchSize {
			return changes, nil
		}
		var open bool
		select {
		case <-ctx.Done():
			return changes, nil
		case <-enough.C:
			return changes, nil
		case answer, open = <-events:
			if err := w.take(answer, open); err != nil {
				return changes, err
			}
		}
	}
}

// errCompacted is why a watch begins anew; it is no outage.
var errCompacted = errors.New("etcd has forgotten the revisions in between")

func (w *watching) change(e *clientv3.Event) Change {
	c := Change{Key: strings.TrimPrefix(string(e.Kv.Key), w.store.prefix)}
	switch {
	case e.Type == clientv3.EventTypeDelete:
		c.Gone = true
	case isTombstone(e.Kv.Value):
		c.Gone, c.Meant = true, true
	default:
		c.Text = string(e.Kv.Value)
	}
	return c
}

// back tells the follower of changes, and that etcd is there if it was not.
func (w *watching) back(changes []Change) {
	if len(changes) == 0 && w.why == "" {
		return
	}
	w.why = ""
	w.follower.Changed(changes)
}

// away tells the follower that etcd is not there, unless it knows.
func (w *watching) away(err error) {
	if errors.Is(err, errCompacted) || err.Error() == w.why {
		return
	}
	w.why = err.Error()
	w.follower.Away(err)
}

// look asks etcd for as little as there is, and for all of its members' consent.
func (s *Store) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookAfter)
	defer cancel()
	_, err := s.client.Get(ctx, s.prefix, clientv3.WithCountOnly())
	return plain(err)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
