package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The attack: so many connections that drip their heads, so many that drip small bodies, so many that declare a large one
// and send nothing of it, and so many that send most of a body and drip the rest.
const (
	slowHeads   = 2000
	slowBodies  = 200
	emptyBodies = 100
	halfBodies  = 100
	pushers     = 8
	pace        = 2 * time.Millisecond // between two pushes of each: 4,000 a second, less than the machine can do
	calm        = 10 * time.Second
	attacked    = 30 * time.Second
	mostMemory  = 250 << 20
)

// TestPushesBesideAnAttack measures normal pushes alone and then beside slow heads and slow bodies, and lets a sender without
// a connection push beside them as well. It takes most of a minute and wants a machine of its own, so `make attack` runs it
// and `make e2e` does not.
func TestPushesBesideAnAttack(t *testing.T) {
	if os.Getenv("ATTACK") == "" {
		t.Skip("a load test: run it with make attack")
	}
	for _, c := range []struct {
		name  string
		files int // the gateway's open-file limit; 0: as it is
	}{
		{"with files to spare", 0},
		{"with fewer files than the attack opens", 1024},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(t, gatewayOptions{Upstreams: []string{takeEverything(t)}, LogLevel: "error"})
			g.runWithFiles(t, c.files)
			before := pushFor(t, g, calm, nil)
			var late newcomer
			during := pushFor(t, g, attacked, func(stop chan struct{}) *sync.WaitGroup {
				all := attack(g, stop)
				all.Go(func() { late.push(t, g, stop) })
				return all
			})
			memory := peakMemory(t, g.cmd.Process.Pid)
			t.Logf("pushes a second: %.0f alone, %.0f beside the attack (%.0f %%); at most %d MiB",
				before, during, 100*during/before, memory>>20)
			t.Logf("on a connection of their own: %d pushes in %d connections, the slowest after %s",
				late.pushes, late.connections, late.slowest.Round(time.Millisecond))
			if during < 0.9*before {
				t.Errorf("the attack took %.0f %% of the pushes", 100-100*during/before)
			}
			if memory > mostMemory {
				t.Errorf("%d MiB of memory, want at most %d", memory>>20, mostMemory>>20)
			}
		})
	}
}

// runWithFiles is run with another open-file limit.
func (g *gateway) runWithFiles(t *testing.T, files int) {
	t.Helper()
	if files == 0 {
		g.run(t)
		return
	}
	limit := fmt.Sprintf("ulimit -n %d && exec \"$0\" \"$@\"", files)
	g.process = start(t, "headgate", "/bin/sh", "-c", limit, needHeadgate(t), "run", "--config", g.config)
	g.awaitReady(t, g.admin+"/ready")
}

// takeEverything is an upstream that answers every push at once.
func takeEverything(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + ln.Addr().String()
}

// pushFor pushes on a few connections for a while, beside whatever hostile starts, and returns the pushes a second. A
// push that is not answered with 200 fails the test.
func pushFor(t *testing.T, g *gateway, while time.Duration, hostile func(stop chan struct{}) *sync.WaitGroup) float64 {
	t.Helper()
	stop := make(chan struct{})
	var pushed atomic.Int64
	var all sync.WaitGroup
	for range pushers {
		all.Go(func() {
			conn, err := net.Dial("tcp", g.host)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			request := normalPush()
			answers := bufio.NewReader(conn)
			due := time.NewTicker(pace)
			defer due.Stop()
			for {
				select {
				case <-stop:
					return
				case <-due.C:
				}
				if err := pushOnce(conn, answers, request); err != nil {
					t.Errorf("a normal push failed: %v", err)
					return
				}
				pushed.Add(1)
			}
		})
	}
	var attackers *sync.WaitGroup
	if hostile != nil {
		attackers = hostile(stop)
	}
	from, start := pushed.Load(), time.Now()
	<-time.After(while)
	rate := float64(pushed.Load()-from) / time.Since(start).Seconds()
	close(stop)
	all.Wait()
	if attackers != nil {
		attackers.Wait()
	}
	return rate
}

func normalPush() []byte { return []byte(pushOf(1024) + strings.Repeat("x", 1024)) }

// pushOf is the head of a push with a body of so many bytes.
func pushOf(length int) string {
	return fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: gw\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n",
		basic("prometheus-a", passwordA), length)
}

// newcomer is a sender that has no connection yet, again and again.
type newcomer struct {
	pushes, connections int
	slowest             time.Duration // from the first connection that a push wanted to its answer
}

// givesUp is when a newcomer calls a push lost. Prometheus never does.
const givesUp = 20 * time.Second

// push sends a push on a new connection every tenth of a second, and sends it again on another one when that is closed under
// it, as every sender does.
func (n *newcomer) push(t *testing.T, g *gateway, stop chan struct{}) {
	request := normalPush()
	due := time.NewTicker(100 * time.Millisecond)
	defer due.Stop()
	for wanted := time.Now(); ; {
		select {
		case <-stop:
			return
		case <-due.C:
		}
		n.connections++
		if err := pushAnew(g, request); err != nil {
			if time.Since(wanted) > givesUp {
				t.Errorf("a push on a new connection failed for %s, at last with %v", givesUp, err)
				return
			}
			continue
		}
		n.pushes++
		n.slowest = max(n.slowest, time.Since(wanted))
		wanted = time.Now()
	}
}

func pushAnew(g *gateway, request []byte) error {
	conn, err := net.Dial("tcp", g.host)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(givesUp))
	return pushOnce(conn, bufio.NewReader(conn), request)
}

func pushOnce(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

// attack drips heads and bodies until stop is closed; a connection that the gateway ends is opened again.
func attack(g *gateway, stop chan struct{}) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, of := range []struct {
		senders     int
		begin, then string
	}{
		{slowHeads, "GET / HTTP/1.1\r\nHost: gw\r\nX-Slow: ", "a"},
		{slowBodies, pushOf(1_000_000), "x"},
		{emptyBodies, pushOf(2_000_000), ""},
		{halfBodies, pushOf(100_000) + strings.Repeat("x", 70_000), "x"},
	} {
		for range of.senders {
			all.Go(func() { drip(g, stop, of.begin, of.then) })
		}
	}
	return &all
}

// drip opens a connection with the beginning of a request and adds a little each second.
func drip(g *gateway, stop chan struct{}, begin, then string) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		conn, err := net.Dial("tcp", g.host)
		if err == nil {
			_, err = io.WriteString(conn, begin)
		}
		for err == nil {
			select {
			case <-stop:
				_ = conn.Close()
				return
			case <-second.C:
				_, err = io.WriteString(conn, then)
			}
		}
		if conn != nil {
			_ = conn.Close()
		}
		select {
		case <-stop:
			return
		case <-second.C:
		}
	}
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// peakMemory is the most memory that a process has had resident, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM in /proc/PID/status")
	return 0
}
