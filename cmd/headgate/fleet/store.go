package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Value is what a key holds.
type Value struct {
	Text     string
	Removed  bool  // it holds the mark of Delete, and no client
	Revision int64 // of the key's last change, for Put and Delete, that of a mark too; 0: there is no such key
}

// There reports whether the key holds a client.
func (v Value) There() bool { return v.Revision != 0 && !v.Removed }

// Get reads one key, which is given without the prefix.
func (s *Store) Get(ctx context.Context, key string) (Value, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := s.client.Get(ctx, s.options.Prefix+key)
	if err != nil || len(answer.Kvs) == 0 {
		return Value{}, s.options.plain(err)
	}
	return valueOf(answer.Kvs[0].Value, answer.Kvs[0].ModRevision), nil
}

func valueOf(held []byte, revision int64) Value {
	if isMark(held) {
		return Value{Removed: true, Revision: revision}
	}
	return Value{Text: string(held), Revision: revision}
}

// pageSize is how many keys are asked for at a time, so that a long list does not go over the size of one message.
const pageSize = 5000

// List reads all keys as they were at one moment, those with a mark of Delete included.
func (s *Store) List(ctx context.Context) (map[string]Value, error) {
	all := map[string]Value{}
	_, err := s.each(ctx, func(key string, v Value) { all[key] = v })
	return all, err
}

// each calls f for every key, without the prefix, as they were at one moment, and tells the revision of that moment.
func (s *Store) each(ctx context.Context, f func(key string, v Value)) (revision int64, err error) {
	prefix := s.options.Prefix
	for from := prefix; ; {
		page, cancel := context.WithTimeout(ctx, answerTimeout)
		answer, err := s.client.Get(page, from,
			clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
		cancel()
		if err != nil {
			return 0, s.options.plain(err)
		}
		if revision == 0 {
			revision = answer.Header.Revision
		}
		for _, kv := range answer.Kvs {
			f(strings.TrimPrefix(string(kv.Key), prefix), valueOf(kv.Value, kv.ModRevision))
		}
		if !answer.More || len(answer.Kvs) == 0 {
			return revision, nil
		}
		from = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
	}
}

// ErrChanged says that a key is not what it was when it was read.
var ErrChanged = errors.New("somebody else has changed it meanwhile; look again")

// Write is one key to be written.
type Write struct {
	Key, Text string
	Revision  int64 // that the key still has to be at, from Value.Revision
}

// Put writes a key, if it is still as it was.
func (s *Store) Put(ctx context.Context, w Write) error {
	_, err := s.PutAll(ctx, []Write{w})
	return err
}

// writesAtOnce is how many keys go in one transaction; etcd takes 128 operations unless it is told otherwise.
const writesAtOnce = 100

// PutAll writes many keys, about a hundred at a time, all of those or none. It returns how many were written before an
// error.
func (s *Store) PutAll(ctx context.Context, writes []Write) (int, error) {
	done := 0
	for part := range slices.Chunk(writes, writesAtOnce) {
		var same []clientv3.Cmp
		var puts []clientv3.Op
		for _, w := range part {
			same = append(same, s.isAt(w.Key, w.Revision))
			puts = append(puts, clientv3.OpPut(s.options.Prefix+w.Key, w.Text))
		}
		if err := s.commit(ctx, same, puts); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}

// isAt compares the revision of a key.
func (s *Store) isAt(key string, revision int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(s.options.Prefix+key), "=", revision)
}

// commit carries the operations out, if everything is still as it was.
func (s *Store) commit(ctx context.Context, same []clientv3.Cmp, operations []clientv3.Op) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := s.client.Txn(ctx).If(same...).Then(operations...).Commit()
	if err == nil && !answer.Succeeded {
		return ErrChanged
	}
	return s.options.plain(err)
}
