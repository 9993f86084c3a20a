package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keepAlive are senders that know one trick: each keeps one connection, writes
// a push on it, reads the answer, and writes the next, without a pause or a
// second try. A connection is given up only after an answer that says so. Any
// other end of it, and any answer but 2xx, is a failed push.
type keepAlive struct {
	addr    string
	request []byte
	load    load

	stopped atomic.Bool
	group   sync.WaitGroup

	mu       sync.Mutex
	accepted int
	pushes   []push // those that were accepted, if they are timed
	failed   int
	failures []string // the first few
}

// load is how much such senders do.
type load struct {
	Senders int
	Between time.Duration // a sender's pause between two pushes
	Timed   bool          // keep what each push took, for percentile
}

// push is one that was accepted.
type push struct {
	at   time.Time // when it was begun
	took time.Duration
}

// startKeepAlive starts senders to addr, which push as c until they are
// stopped.
func startKeepAlive(t *testing.T, addr string, c caller, l load) *keepAlive {
	t.Helper()
	k := &keepAlive{addr: addr, request: pushBytes(t, c), load: l}
	for range l.Senders {
		k.group.Go(k.send)
	}
	t.Cleanup(func() { k.halt() })
	return k
}

// pushBytes is a push as it goes over the wire.
func pushBytes(t *testing.T, c caller) []byte {
	t.Helper()
	req, err := c.pushRequest("keep_alive", "0", time.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return wire.Bytes()
}

// send pushes until the senders are stopped.
func (k *keepAlive) send() {
	var line *wire
	for !k.stopped.Load() {
		if line == nil {
			var err error
			if line, err = dialWire(k.addr); err != nil {
				k.fail("connect", err)
				continue
			}
		}
		began := time.Now()
		last, err := line.push(k.request)
		if err != nil {
			k.fail(fmt.Sprintf("push after %s, push %d of its connection", time.Since(began), line.pushes), err)
		} else {
			k.accept(push{began, time.Since(began)})
		}
		if last || err != nil {
			line.close()
			line = nil
		}
		letPass(k.load.Between)
	}
	if line != nil {
		line.close()
	}
}

func (k *keepAlive) accept(p push) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted++
	if k.load.Timed {
		k.pushes = append(k.pushes, p)
	}
}

func (k *keepAlive) fail(step string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed++
	if len(k.failures) < 10 {
		k.failures = append(k.failures, fmt.Sprintf("%s: %s: %v", time.Now().Format(time.StampMilli), step, err))
	}
}

// halt ends the senders when each has its answer.
func (k *keepAlive) halt() {
	k.stopped.Store(true)
	k.group.Wait()
}

// count returns how many pushes were accepted so far.
func (k *keepAlive) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.accepted
}

// noneFailed stops the senders, fails the test if a push has failed, and
// returns how many were accepted.
func (k *keepAlive) noneFailed(t *testing.T) int {
	t.Helper()
	k.halt()
	if k.failed != 0 {
		t.Errorf("%d pushes failed and %d were accepted; the first:", k.failed, k.accepted)
		for _, failure := range k.failures {
			t.Log(failure)
		}
	}
	if k.accepted == 0 {
		t.Error("no push was accepted")
	}
	return k.accepted
}

// percentile returns what that part of the pushes took at most that were begun
// between two times, and how many these were.
func (k *keepAlive) percentile(part float64, from, to time.Time) (time.Duration, int) {
	var all []time.Duration
	for _, p := range k.pushes {
		if !p.at.Before(from) && p.at.Before(to) {
			all = append(all, p.took)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[int(part*float64(len(all)-1))], len(all)
}

// wire is one connection of such a sender.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
	pushes int
}

func dialWire(addr string) (*wire, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// push writes one push and reads its answer. It reports whether the connection
// ends with it, as the answer said.
func (w *wire) push(request []byte) (last bool, err error) {
	w.pushes++
	_ = w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(request); err != nil {
		return true, err
	}
	answer, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return true, err
	}
	if answer.StatusCode/100 != 2 {
		return answer.Close, fmt.Errorf("%d %q", answer.StatusCode, body)
	}
	return answer.Close, nil
}

func (w *wire) close() { _ = w.conn.Close() }
