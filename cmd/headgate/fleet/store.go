package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Options say which etcd, and where in it.
type Options struct {
	Endpoints []string // "http://10.0.0.1:2379"; https ones are spoken to with TLS
	Prefix    string   // of every key; not empty
	Username  string   // "": etcd asks for none
	Password  string
	TLS       *tls.Config // nil: the system's authorities
}

// Store is a connection to etcd, as far as it concerns tenants. Its methods may be called from any goroutine.
type Store struct {
	client *clientv3.Client
	prefix string
}

// Timeouts of the connection.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 10 * time.Second // of one request
	keepAlive     = 5 * time.Second  // a connection on which nothing comes for so long is asked for a sign of life
)

// Open returns a Store. It does not wait for etcd: who asks something of it learns whether it is there. Close it.
func Open(o Options) (*Store, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            o.Endpoints,
		Username:             o.Username,
		Password:             o.Password,
		TLS:                  o.TLS,
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    keepAlive,
		DialKeepAliveTimeout: keepAlive,
		Logger:               zap.NewNop(), // its lines are about the connection, which Follow reports in ours
	})
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return &Store{client: client, prefix: o.Prefix}, nil
}

// Close ends the connection.
func (s *Store) Close() { _ = s.client.Close() } // nothing is kept in it

// Value is what a key holds.
type Value struct {
	Text     string
	Revision int64 // of the key's last change, for Put and Delete; 0: there is no such key
}

// Get reads one key, which is given without the prefix.
func (s *Store) Get(ctx context.Context, key string) (Value, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := s.client.Get(ctx, s.prefix+key)
	if err != nil {
		return Value{}, plain(err)
	}
	if len(answer.Kvs) == 0 || isTombstone(answer.Kvs[0].Value) {
		return Value{}, nil
	}
	return Value{Text: string(answer.Kvs[0].Value), Revision: answer.Kvs[0].ModRevision}, nil
}

// pageSize is how many keys are asked for at a time, so that a long list does not go over the size of one message.
const pageSize = 5000

// List reads all keys as they were at one moment.
func (s *Store) List(ctx context.Context) (map[string]Value, error) {
	all := map[string]Value{}
	_, err := s.each(ctx, func(key string, v Value) { all[key] = v })
	return all, err
}

// each calls f for every key, without the prefix, as they were at one moment, and tells the revision of that moment.
func (s *Store) each(ctx context.Context, f func(key string, v Value)) (revision int64, err error) {
	for from := s.prefix; ; {
		options := []clientv3.OpOption{
			clientv3.WithRange(clientv3.GetPrefixRangeEnd(s.prefix)), clientv3.WithLimit(pageSize), clientv3.WithRev(revision),
		}
		page, cancel := context.WithTimeout(ctx, answerTimeout)
		answer, err := s.client.Get(page, from, options...)
		cancel()
		if err != nil {
			return 0, plain(err)
		}
		if revision == 0 {
			revision = answer.Header.Revision
		}
		for _, kv := range answer.Kvs {
			if !isTombstone(kv.Value) {
				f(strings.TrimPrefix(string(kv.Key), s.prefix), Value{string(kv.Value), kv.ModRevision})
			}
		}
		if !answer.More || len(answer.Kvs) == 0 {
			return revision, nil
		}
		from = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
	}
}

// ErrChanged says that a key is not what it was when it was read.
var ErrChanged = errors.New("somebody else has changed it meanwhile; look again")

// Put writes a key, if it is still as it was at revision; 0: if it is not there.
func (s *Store) Put(ctx context.Context, key, text string, revision int64) error {
	return s.swap(ctx, key, revision, clientv3.OpPut(s.prefix+key, text))
}

// Write is one key to be written.
type Write struct {
	Key, Text string
	Revision  int64 // as in Put
}

// writesAtOnce is how many keys go in one transaction; etcd takes 128 operations unless it is told otherwise.
const writesAtOnce = 100

// PutAll writes many keys, about a hundred at a time, all of those or none. It returns how many were written before an
// error.
func (s *Store) PutAll(ctx context.Context, writes []Write) (int, error) {
	done := 0
	for part := range slices.Chunk(writes, writesAtOnce) {
		var same []clientv3.Cmp
		var ops []clientv3.Op
		for _, w := range part {
			same = append(same, clientv3.Compare(clientv3.ModRevision(s.prefix+w.Key), "=", w.Revision))
			ops = append(ops, clientv3.OpPut(s.prefix+w.Key, w.Text))
		}
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		answer, err := s.client.Txn(ctx).If(same...).Then(ops...).Commit()
		cancel()
		if err != nil {
			return done, plain(err)
		}
		if !answer.Succeeded {
			return done, ErrChanged
		}
		done += len(part)
	}
	return done, nil
}

// tombstone is what a key holds for the moment between the wish to delete it and its end, so that who follows can tell a
// wish from an accident.
const tombstone = "removed = true\n"

func isTombstone(value []byte) bool { return string(value) == tombstone }

// Delete takes a key out that was read at revision, in a way that no gateway takes for an accident.
func (s *Store) Delete(ctx context.Context, key string, revision int64) error {
	if err := s.swap(ctx, key, revision, clientv3.OpPut(s.prefix+key, tombstone)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	// Unless somebody has put it back in this moment.
	_, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.Value(s.prefix+key), "=", tombstone)).
		Then(clientv3.OpDelete(s.prefix + key)).Commit()
	return plain(err)
}

// swap carries op out, if the key is still as it was. A key that is about to go counts as not there.
func (s *Store) swap(ctx context.Context, key string, revision int64, op clientv3.Op) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	same := clientv3.Compare(clientv3.ModRevision(s.prefix+key), "=", revision)
	answer, err := s.client.Txn(ctx).If(same).Then(op).Commit()
	if err != nil {
		return plain(err)
	}
	if answer.Succeeded {
		return nil
	}
	if revision == 0 {
		gone := clientv3.Compare(clientv3.Value(s.prefix+key), "=", tombstone)
		if answer, err = s.client.Txn(ctx).If(gone).Then(op).Commit(); err == nil && answer.Succeeded {
			return nil
		}
	}
	if err != nil {
		return plain(err)
	}
	return ErrChanged
}

// plain words an error of the client for an operator.
func plain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("etcd does not answer")
	}
	return fmt.Errorf("etcd: %w", err)
}
