package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"
)

// What a watch goes by.
const (
	lookAfter = 2 * time.Second       // between two looks whether etcd is still there
	lookTime  = 5 * time.Second       // that a look may take
	batchTime = 20 * time.Millisecond // what comes within it is one batch
	batchSize = 10_000                // keys
)

// watching is a follower on its way through the revisions.
type watching struct {
	store    *Store
	follower Follower
	events   <-chan clientv3.WatchResponse
	revision atomic.Int64 // that the follower knows
}

// watch tells f what changes after a revision, until something is wrong: etcd is away, or has forgotten what came next.
func (s *Store) watch(ctx context.Context, f Follower, after int64) error {
	ctx, end := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer end()
	w := &watching{store: s, follower: f, events: s.eventsFrom(ctx, after+1)}
	w.revision.Store(after)
	looks := w.keepLooking(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case answer, open := <-w.events:
			if err := w.check(answer, open); err != nil {
				return err
			}
			changes, err := w.gather(ctx, answer)
			if len(changes) > 0 {
				f.Changed(changes)
			}
			if err != nil {
				return err
			}
		case err := <-looks:
			if err != nil {
				return err
			}
			f.InStep()
		}
	}
}

// eventsFrom is what happens from a revision on. The client's own call returns only when etcd has answered, however long
// that takes.
func (s *Store) eventsFrom(ctx context.Context, revision int64) <-chan clientv3.WatchResponse {
	events := make(chan clientv3.WatchResponse)
	go func() {
		defer close(events)
		for answer := range s.client.Watch(ctx, s.options.Prefix, clientv3.WithPrefix(), clientv3.WithRev(revision)) {
			select {
			case events <- answer:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// check says what is wrong with an answer of the watch.
func (w *watching) check(answer clientv3.WatchResponse, open bool) error {
	err := answer.Err()
	switch {
	case errors.Is(err, rpctypes.ErrCompacted):
		return fmt.Errorf("etcd has compacted the revisions in between: %w", errMissed)
	case err != nil:
		return w.store.options.plain(err)
	case !open:
		return w.store.options.plain(errors.New("the watch has ended"))
	}
	return nil
}

// gather makes one batch of an answer and what comes right behind it. With an error there is no more after the batch.
func (w *watching) gather(ctx context.Context, answer clientv3.WatchResponse) (changes []Change, err error) {
	at := map[string]int{} // in changes, by key
	enough := time.NewTimer(batchTime)
	defer enough.Stop()
	for {
		for _, e := range answer.Events {
			c := w.change(e)
			if i, there := at[c.Key]; there {
				// A mark and its end are still a wish.
				c.Meant = c.Meant || c.Gone && changes[i].Meant
				changes[i] = c
				continue
			}
			at[c.Key] = len(changes)
			changes = append(changes, c)
		}
		if n := len(answer.Events); n > 0 {
			w.revision.Store(answer.Events[n-1].Kv.ModRevision)
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
		case answer, open = <-w.events:
			if err := w.check(answer, open); err != nil {
				return changes, err
			}
		}
	}
}

func (w *watching) change(e *clientv3.Event) Change {
	c := Change{Key: strings.TrimPrefix(string(e.Kv.Key), w.store.options.Prefix)}
	switch {
	case e.Type == clientv3.EventTypeDelete:
		c.Gone = true
	case isMark(e.Kv.Value):
		c.Gone, c.Meant = true, true
	default:
		c.Text = string(e.Kv.Value)
	}
	return c
}

// keepLooking tells again and again whether etcd is there: at once when the connection breaks, and every so often, since
// one that breaks in silence looks like one on which nothing happens.
func (w *watching) keepLooking(ctx context.Context) <-chan error {
	looks := make(chan error)
	go func() {
		connection := w.store.client.ActiveConnection()
		for ctx.Err() == nil {
			soon, end := context.WithTimeout(ctx, lookAfter)
			connection.WaitForStateChange(soon, connectivity.Ready)
			end()
			select {
			case looks <- w.look(ctx):
			case <-ctx.Done():
			}
		}
	}()
	return looks
}

// look asks etcd for as little as there is, and for its members' consent. An etcd that was put back to an earlier state
// would let the watch wait for revisions that are long in the past.
func (w *watching) look(ctx context.Context) error {
	known := w.revision.Load()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	answer, err := w.store.client.Get(ctx, w.store.options.Prefix)
	if err == nil && answer.Header.Revision < known {
		return fmt.Errorf("etcd is at revision %d and was at %d: %w", answer.Header.Revision, known, errMissed)
	}
	return w.store.options.plain(err)
}
