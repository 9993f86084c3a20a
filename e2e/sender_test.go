package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
)

// senders push one sample after the other to whatever their name for the
// gateways stands for, and repeat each until it is taken, as Prometheus does:
// after a broken connection and after a 5xx. Any other answer is a sample that
// Prometheus would drop.
type senders struct {
	as       caller
	client   *http.Client
	repeated atomic.Int64
	taken    atomic.Int64

	stopped atomic.Bool
	group   sync.WaitGroup

	mu   sync.Mutex
	sent history // what was taken
}

// startSenders starts so many, until they are stopped.
func startSenders(t *testing.T, f *gatewayFleet, as caller, n int) *senders {
	t.Helper()
	as.url = fmt.Sprintf("http://gateway.example:%d", f.port)
	s := &senders{as: as, sent: history{}}
	s.client = &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: f.dial, MaxIdleConnsPerHost: n}}
	for i := range n {
		s.group.Go(func() { s.send(t, "sender-"+strconv.Itoa(i)) })
	}
	t.Cleanup(func() { s.stop() })
	return s
}

// dial connects to one of the addresses of the name, as the nameserver has them
// now.
func (f *gatewayFleet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.name.addr)
	}}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := resolver.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(addresses[rand.IntN(len(addresses))], port))
}

// send pushes until the senders are stopped.
func (s *senders) send(t *testing.T, writer string) {
	at := time.Now()
	for !s.stopped.Load() {
		at = at.Add(time.Millisecond)
		for {
			status, err := s.push(writer, at)
			if status/100 == 2 {
				break
			}
			if err == nil && status/100 != 5 {
				t.Errorf("a push of %s: %d, on which Prometheus drops data", writer, status)
				return
			}
			s.repeated.Add(1)
			letPass(30 * time.Millisecond) // Prometheus's own first pause
		}
		labels := []prompb.Label{{Name: "__name__", Value: "sent"}, {Name: "writer", Value: writer}}
		s.mu.Lock()
		s.sent.put(seriesName(labels), prompb.Sample{Timestamp: at.UnixMilli(), Value: 1})
		s.mu.Unlock()
		s.taken.Add(1)
	}
}

// push is one try of one sample. The status is 0 when there was no answer.
func (s *senders) push(writer string, at time.Time) (status int, err error) {
	req, err := s.as.pushRequest("sent", writer, at, 1)
	if err != nil {
		return 0, err
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// goOn waits until so many more samples were taken.
func (s *senders) goOn(t *testing.T, n int64) {
	t.Helper()
	want := s.taken.Load() + n
	eventually(t, fmt.Sprintf("%d more samples are taken", n), func() error {
		if taken := s.taken.Load(); taken < want {
			return fmt.Errorf("%d of %d are", taken, want)
		}
		return nil
	})
}

// stop ends the senders when each has its answer, and returns what was taken.
func (s *senders) stop() history {
	s.stopped.Store(true)
	s.group.Wait()
	return s.sent
}
