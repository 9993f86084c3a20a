package proxy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

const (
	mebi     = 1 << 20
	blockLen = mebi
)

// huge is a gibibyte, and large a push that is not held. The race detector makes everything slow, so with it a quarter
// has to do.
var huge, large = func() (int64, int64) {
	if raceDetector {
		return 256 * mebi, 4 * mebi
	}
	return 1024 * mebi, 8 * mebi
}()

// gatewayProcess is a gateway in a process of its own, so that its memory is its own too.
type gatewayProcess struct {
	addr string
	end  func() (peak int64) // ends it, gives the most memory it ever had
}

const upstreamVariable = "HEADGATE_TEST_UPSTREAM"

// startGatewayProcess runs the calling test in a child, which must begin with serveAsChild.
func startGatewayProcess(t *testing.T, upstream string, env ...string) *gatewayProcess {
	t.Helper()
	cmd := child(t, append(env, upstreamVariable+"="+upstream)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() }) //nolint:errcheck // end has told
	said := bufio.NewScanner(out)
	value := func(key string) (s string) {
		for said.Scan() {
			if rest, ok := strings.CutPrefix(said.Text(), key+"="); ok {
				return rest
			}
		}
		t.Fatalf("the gateway's process ended before it told its %s", key)
		return ""
	}
	return &gatewayProcess{addr: value("addr"), end: func() (peak int64) {
		in.Close()
		if _, err := fmt.Sscan(value("peak"), &peak); err != nil {
			t.Fatal(err)
		}
		return peak
	}}
}

// serveAsChild is the gateway's process: it serves until its standard input ends, and tells the most memory it had. Its
// timeouts are for machines that have much else to do.
func serveAsChild(t *testing.T) {
	_, upstream, err := balancer.ParseURL("http://" + os.Getenv(upstreamVariable))
	if err != nil {
		t.Fatal(err)
	}
	pool := balancer.New(balancer.Options{
		Name: "test", Targets: []balancer.Target{upstream}, ConnectTimeout: time.Minute, UserTimeout: time.Minute,
	}, nil)
	defer pool.Close()
	routes := testRoutes(pool, func(r *Route) {
		r.MaxBodySize, r.Timeout, r.BodyTimeout = 0, 0, 0
		r.ReadTimeout, r.WriteTimeout, r.ConnectTimeout = time.Minute, time.Minute, time.Minute
	})
	o := Options{HeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderSize: 16 << 10}
	if os.Getenv("GOMEMLIMIT") != "" {
		o.MemoryLimit = debug.SetMemoryLimit(-1)
	}
	g := startGatewayWith(t, routes, o)
	fmt.Printf("\naddr=%s\n", g.addr)
	io.Copy(io.Discard, os.Stdin)         //nolint:errcheck // only its end matters
	os.Stderr.WriteString(g.log.String()) //nolint:errcheck // for whoever looks for the reason of a failure
	fmt.Printf("\npeak=%d\n", peakMemory(t))
}

// peakMemory is the most memory that the process has had: as the kernel counts it, or, where the race detector's own
// would drown it, what the Go runtime ever asked for.
func peakMemory(t testing.TB) int64 {
	if !raceDetector {
		return memoryStatus(t, "VmHWM")
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys + m.StackSys)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// outpour writes n bytes, all different in their blocks, and gives their checksum.
func outpour(w io.Writer, n int64, chunked bool) (sum uint32, err error) {
	const sizeLine = len("00100000\r\n")
	block := make([]byte, sizeLine+blockLen+len("\r\n"))
	copy(block, fmt.Sprintf("%08x\r\n", blockLen))
	copy(block[sizeLine+blockLen:], "\r\n")
	data := block[sizeLine : sizeLine+blockLen]
	for i := range data {
		data[i] = byte(i * 7)
	}
	for i := int64(0); i < n; i += blockLen {
		binary.BigEndian.PutUint64(data, uint64(i))
		sum = crc32.Update(sum, castagnoli, data)
		piece := data
		if chunked {
			piece = block
		}
		if _, err := w.Write(piece); err != nil {
			return 0, err
		}
	}
	if chunked {
		_, err = io.WriteString(w, "0\r\n\r\n")
	}
	return sum, err
}

// take reads a body, of n bytes or chunked, and gives its checksum.
func take(br *bufio.Reader, n int64, block []byte) (sum uint32, err error) {
	some := func(left int64) (bool, error) {
		for left > 0 {
			m, err := br.Read(block[:min(int64(len(block)), left)])
			sum = crc32.Update(sum, castagnoli, block[:m])
			if left -= int64(m); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	if n >= 0 {
		_, err = some(n)
		return sum, err
	}
	for {
		row, err := br.ReadSlice('\n')
		if err != nil {
			return sum, err
		}
		var size int64
		if _, err := fmt.Sscanf(string(row), "%x\r\n", &size); err != nil {
			return sum, err
		}
		if _, err := some(size); err != nil {
			return sum, err
		}
		if _, err := br.Discard(2); err != nil || size == 0 {
			return sum, err
		}
	}
}

// largeUpstream takes bodies and answers with their checksum, or gives large answers and tells theirs.
func largeUpstream(t *testing.T) (addr string, sums chan uint32) {
	sums = make(chan uint32, 1)
	u := startScripted(t, func(l *line) {
		block := make([]byte, 256<<10)
		for l.head() {
			sum, err := take(l.br, l.length, block)
			switch {
			case err != nil:
				return
			case strings.HasPrefix(l.requestLine, "POST"):
				text := fmt.Sprint(sum)
				fmt.Fprintf(l, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
				continue
			case strings.Contains(l.requestLine, "chunked"):
				l.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
				sum, err = outpour(l, huge, true)
			default:
				l.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", huge))
				sum, err = outpour(l, huge, false)
			}
			if err != nil {
				return
			}
			sums <- sum
		}
	})
	return u.addr, sums
}

// TestMemoryStaysFlat sends a gibibyte through a gateway, there and back, with a length and in chunks, and then two
// hundred large pushes at a time.
func TestMemoryStaysFlat(t *testing.T) {
	if inChild(t) {
		serveAsChild(t)
		return
	}
	if testing.Short() {
		t.Skip("it moves six gigabytes")
	}
	upstream, sums := largeUpstream(t)
	for _, c := range []struct {
		name  string
		limit int64
		run   func(addr string) error
	}{
		{"a gibibyte up", 64 * mebi, func(addr string) error { return upload(addr, huge, false) }},
		{"a gibibyte up in chunks", 64 * mebi, func(addr string) error { return upload(addr, huge, true) }},
		{"a gibibyte down", 64 * mebi, func(addr string) error { return download(addr, "plain", sums) }},
		{"a gibibyte down in chunks", 64 * mebi, func(addr string) error { return download(addr, "chunked", sums) }},
		{"two hundred large pushes", 256 * mebi, func(addr string) error {
			failed := make(chan error)
			for range 200 {
				go func() { failed <- upload(addr, large, false) }()
			}
			var errs []error
			for range 200 {
				errs = append(errs, <-failed)
			}
			return errors.Join(errs...)
		}},
	} {
		// Not t.Run: the child runs this test by its name.
		g := startGatewayProcess(t, upstream)
		if err := c.run(g.addr); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		peak := g.end()
		t.Logf("%s: %d MiB at most", c.name, peak/mebi)
		if peak > c.limit {
			t.Errorf("%s took %d MiB, want at most %d", c.name, peak/mebi, c.limit/mebi)
		}
	}
}

// dialLarge connects a client that has a minute for everything.
func dialLarge(addr string) (*caller, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &caller{Conn: c, br: bufio.NewReaderSize(c, 64<<10)}, c.SetDeadline(time.Now().Add(time.Minute))
}

// upload pushes n bytes and compares checksums with the upstream.
func upload(addr string, n int64, chunked bool) error {
	c, err := dialLarge(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	framing := fmt.Sprintf("Content-Length: %d", n)
	if chunked {
		framing = "Transfer-Encoding: chunked"
	}
	fmt.Fprintf(c, "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\n%s\r\n\r\n", basicA, framing)
	sum, err := outpour(c, n, chunked)
	got := c.read("POST")
	if got.status != 200 || got.body != fmt.Sprint(sum) {
		return fmt.Errorf("sent %d (%v), answer %v: %s", sum, err, got, got.body)
	}
	return err
}

// download asks for a large answer and compares checksums with the upstream.
func download(addr, what string, sums <-chan uint32) error {
	c, err := dialLarge(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /prometheus/%s HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\n\r\n", what, basicA)
	length := huge
	for row := ""; row != "\r\n"; {
		if row, err = c.br.ReadString('\n'); err != nil {
			return err
		}
		if strings.HasPrefix(row, "Transfer-Encoding") {
			length = -1
		}
	}
	sum, err := take(c.br, length, make([]byte, 256<<10))
	if err != nil {
		return err
	}
	if want := <-sums; sum != want {
		return fmt.Errorf("checksum %d, want %d", sum, want)
	}
	return nil
}
