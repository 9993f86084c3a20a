package proxy

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinesBeyondTheLimitAreSampledAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // to the start of a second
		var mu sync.Mutex
		var all []int64
		l := lineLimit{tell: func(left int64) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, left)
		}}
		told := func() []int64 {
			mu.Lock()
			defer mu.Unlock()
			return all
		}
		logged := 0
		burst := func(n int) {
			for range n {
				if l.allow(time.Now(), 10) {
					logged++
				}
			}
		}
		burst(10)
		if logged != 10 {
			t.Errorf("%d of 10 lines are logged", logged)
		}
		burst(250)
		if logged != 12 {
			t.Errorf("%d of 260 lines are logged, want 10 and one in a hundred of the rest", logged)
		}
		if len(told()) != 0 {
			t.Errorf("told %v before the second was over", told())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if fmt.Sprint(told()) != "[248]" {
			t.Errorf("told %v, want that 248 lines were left out", told())
		}
		burst(10)
		if logged != 22 {
			t.Errorf("%d lines are logged after a new second began, want 22", logged)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(told()) != 1 {
			t.Errorf("told %v, though nothing more was left out", told())
		}
		burst(15)
		l.report() // the end of the program does not wait
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if fmt.Sprint(told()) != "[248 5]" {
			t.Errorf("told %v, want 248 and 5", told())
		}
		for range 5000 {
			if !l.allow(time.Now(), 0) {
				t.Fatal("0 is a limit, want none")
			}
		}
	})
}

// TestRefusalsAreBoundedForEachReason: a flood of one kind hides neither how large it is, nor any other. The numbers are those
// of docs/logging.md.
func TestRefusalsAreBoundedForEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // to the start of a second
		var b bytes.Buffer
		suppressed := int64(0)
		log := slog.New(slog.NewTextHandler(&b, nil))
		a := newAuditLog(log, log, func(n int64) { suppressed += n })
		from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}
		for range 10 + 250 {
			a.refusedConnection(notAllowedFrom, from)
		}
		a.refusedConnection(fullHouse, from)
		time.Sleep(time.Second)
		synctest.Wait()
		said := b.String()
		for text, want := range map[string]int{
			`msg="a connection was refused" log=audit reason=address_denied address=192.0.2.1`: 10 + 2,
			`msg="a connection was refused" log=audit reason=overloaded`:                       1,
			`msg="refusals were left out" log=audit reason=address_denied count=248`:           1,
			`were left out`: 1,
		} {
			if n := strings.Count(said, text); n != want {
				t.Errorf("%d lines with %q, want %d", n, text, want)
			}
		}
		if suppressed != 248 {
			t.Errorf("%d are counted, want 248", suppressed)
		}
	})
}
