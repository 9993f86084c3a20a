package fleet

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// mark is what a key holds whose client an operator has removed. It tells every gateway, those that are down at the moment
// too, that this was a wish and no accident.
const mark = "removed = true\n"

func isMark(held []byte) bool { return string(held) == mark }

// markKept is how long etcd keeps a mark. A gateway that was down for longer takes the removal for an accident when most
// others have gone as well.
const markKept = 30 * 24 * time.Hour

// Delete removes the client of a key that was read at revision: the key holds a mark from then on, and goes in markKept.
func (s *Store) Delete(ctx context.Context, key string, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	lease, err := s.client.Grant(ctx, int64(markKept.Seconds()))
	if err != nil {
		return s.options.plain(err)
	}
	put := clientv3.OpPut(s.options.Prefix+key, mark, clientv3.WithLease(lease.ID))
	err = s.commit(ctx, []clientv3.Cmp{s.isAt(key, revision)}, []clientv3.Op{put})
	if err != nil {
		_, _ = s.client.Revoke(ctx, lease.ID) // it would end by itself
	}
	return err
}
