package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
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
	client  *clientv3.Client
	options Options
}

// Timeouts of the connection.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 10 * time.Second // of one request
	keepAlive     = 10 * time.Second // a connection on which nothing comes for so long is asked for a sign of life
)

// Open returns a Store, which ends with ctx. With a user name it shows etcd who it is, and the error says why it could not;
// without one, who asks something of the Store learns whether etcd is there. Close it.
func Open(ctx context.Context, o Options) (*Store, error) {
	dialing := []grpc.DialOption{grpc.WithChainUnaryInterceptor(sayWhy)}
	if o.TLS != nil && o.TLS.ServerName != "" {
		dialing = append(dialing, grpc.WithAuthority(o.TLS.ServerName)) // gRPC takes no notice of the one in the configuration
	}
	client, err := clientv3.New(clientv3.Config{
		Context:              ctx,
		Endpoints:            o.Endpoints,
		Username:             o.Username,
		Password:             o.Password,
		TLS:                  o.TLS,
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    keepAlive,
		DialKeepAliveTimeout: keepAlive,
		DialOptions:          dialing,
		Logger:               zap.NewNop(), // its lines are about the connection, which Follow reports in ours
	})
	if err != nil {
		return nil, o.plain(err)
	}
	return &Store{client: client, options: o}, nil
}

// Close ends the connection.
func (s *Store) Close() { _ = s.client.Close() } // nothing is kept in it

// sayWhy has a request end when no endpoint can be reached, and with the reason. The client would have it wait until its
// time is up, and forget the reason.
func sayWhy(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return call(ctx, method, request, answer, conn, append(options, grpc.WaitForReady(false))...)
}

// plain words an error of the client for an operator, and says of which etcd it is.
func (o Options) plain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch s, ok := status.FromError(err); {
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	case ok:
		text = cause(s.Message())
	}
	return fmt.Errorf("etcd at %s: %s", strings.Join(o.Endpoints, ", "), strings.TrimPrefix(text, "etcdserver: "))
}

// cause is what gRPC wraps into: connection error: desc = "transport: Error while dialing: …".
func cause(text string) string {
	_, quoted, wrapped := strings.Cut(text, "connection error: desc = ")
	if !wrapped {
		return text
	}
	inner, err := strconv.Unquote(quoted)
	if err != nil {
		return text
	}
	return strings.TrimPrefix(strings.TrimPrefix(inner, "transport: "), "Error while dialing: ")
}
