package fleet

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Change is what happened to one key, which is without the prefix.
type Change struct {
	Key   string
	Text  string // what it holds now
	Gone  bool   // it holds no client any more
	Meant bool   // and that was an operator's wish: Store.Delete
}

// Follower is told what etcd holds. Its methods are called one at a time.
type Follower interface {
	// Listed gets all clients by key, and the keys with a mark of Store.Delete: at the start, and whenever changes may have
	// been missed. Both belong to the follower.
	Listed(all map[string]string, removed []string)
	// Changed gets what has changed since, each key once.
	Changed(changes []Change)
	// InStep is told again and again that there was nothing else.
	InStep()
	// Away is told that etcd cannot be reached, and why; again when the reason is another. Listed is next.
	Away(err error)
}

// Pauses of Follow.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 3 * time.Second
)

// Follow tells f what etcd holds, from now on until ctx ends. It connects by itself, again and again if it must.
func Follow(ctx context.Context, o Options, f Follower) {
	known := ""
	for retry := firstRetry; ctx.Err() == nil; {
		listed, err := follow(ctx, o, f)
		if listed {
			retry, known = firstRetry, ""
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errMissed) && err.Error() != known {
			known = err.Error()
			f.Away(err)
		}
		pause(ctx, retry/2+rand.N(retry)) // not all gateways at the same moment
		retry = min(2*retry, lastRetry)
	}
}

// errMissed is why everything is listed again although etcd is there.
var errMissed = errors.New("changes may have been missed")

// follow lists, and then watches until something is wrong. It reports whether it came to listing.
func follow(ctx context.Context, o Options, f Follower) (listed bool, err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	s, err := Open(ctx, o)
	if err != nil {
		return false, err
	}
	defer s.Close()
	all, removed := map[string]string{}, []string(nil)
	revision, err := s.each(ctx, func(key string, v Value) {
		if v.Removed {
			removed = append(removed, key)
			return
		}
		all[key] = v.Text
	})
	if err != nil {
		return false, err
	}
	f.Listed(all, removed)
	return true, s.watch(ctx, f, revision)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
