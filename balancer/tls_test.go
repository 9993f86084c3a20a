package balancer

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTLSVerifiesTheNameWhileTheAddressIsDialed(t *testing.T) {
	ca := newAuthority(t)
	tests := []struct {
		name, target, configured, certificate string
		sni, wantErr                          string
	}{
		{"the target's name", "cortex.test", "", "cortex.test", "cortex.test", ""},
		{"a configured name", "cortex.test", "other.test", "other.test", "other.test", ""},
		{"a literal address", "127.0.0.1", "", "127.0.0.1", "", ""},
		{"a certificate for another name", "cortex.test", "", "other.test", "cortex.test", "other.test"},
		{"a certificate for the address alone", "cortex.test", "", "127.0.0.1", "cortex.test", "not valid for any names"},
		{"a configured name that is not the target's", "cortex.test", "other.test", "cortex.test", "other.test",
			"valid for cortex.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sni atomic.Value
			u := listen(t, "127.0.0.1:0", &tls.Config{
				GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
					sni.Store(hello.ServerName)
					c := ca.issue(t, tt.certificate)
					return &c, nil
				},
			})
			target := u.target()
			if tt.target != target.Host {
				target = Target{Name, tt.target, target.Port}
			}
			p, r := steppedPool(t, Options{
				Targets:  []Target{target},
				Resolver: &scriptedResolver{ips: map[string][]string{tt.target: {"127.0.0.1"}}},
				TLS:      &tls.Config{RootCAs: ca.pool, ServerName: tt.configured},
			}, nil)
			if target.Kind == Name {
				r.first()
			}
			h := p.Hosts()[0]
			c, err := h.Acquire(time.Now(), 0, time.Hour)
			if got := sni.Load(); got != tt.sni {
				t.Errorf("the server was asked for %q, want %q", got, tt.sni)
			}
			if tt.wantErr != "" {
				if !errors.Is(err, ErrConnect) || !strings.Contains(err.Error(), "tls handshake") ||
					!strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want ErrConnect with %q", err, tt.wantErr)
				}
				if open, _ := h.Connections(); open != 0 {
					t.Errorf("%d connections after a failed handshake, want 0", open)
				}
				wantClosed(t, u.next(t))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, c, u.next(t))
		})
	}
}

func TestSameAddressUnderTwoNamesIsTwoHosts(t *testing.T) {
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1"}, "b.test": {"10.0.0.1"}}}
	targets := []Target{{Name, "b.test", 443}, {Name, "a.test", 443}}
	for _, tt := range []struct {
		name   string
		config *tls.Config
		want   []string // server names
	}{
		{"with TLS", &tls.Config{}, []string{"a.test", "b.test"}},
		{"with TLS and one server name", &tls.Config{ServerName: "c.test"}, []string{"c.test"}},
		{"without TLS", nil, []string{""}},
	} {
		p, r := steppedPool(t, Options{Targets: targets, Resolver: resolver, TLS: tt.config}, nil)
		r.first()
		var got []string
		for _, h := range p.Hosts() {
			got = append(got, h.key.serverName)
		}
		if strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: server names %q, want %q", tt.name, got, tt.want)
		}
	}
}

// ticketing are the ways in which a TLS server may send what is no answer.
var ticketing = []struct {
	name   string
	server *tls.Config
	client *tls.Config
}{
	{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, &tls.Config{}},
	{"TLS 1.3 with session tickets", &tls.Config{MinVersion: tls.VersionTLS13},
		&tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(8)}},
	{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, &tls.Config{}},
	{"TLS 1.2 with session tickets", &tls.Config{MaxVersion: tls.VersionTLS12},
		&tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(8)}},
}

func tlsHost(t testing.TB, server, client *tls.Config) (*upstream, *Host) {
	t.Helper()
	ca := newAuthority(t)
	server.Certificates = []tls.Certificate{ca.issue(t, "127.0.0.1")}
	client.RootCAs = ca.pool
	u := listen(t, "127.0.0.1:0", server)
	return u, hostOf(t, u, Options{TLS: client})
}

func TestTLSConnectionIsUsedAgain(t *testing.T) {
	for _, tt := range ticketing {
		t.Run(tt.name, func(t *testing.T) {
			u, h := tlsHost(t, tt.server.Clone(), tt.client.Clone())
			c := acquire(t, h)
			end := u.next(t)
			if err := end.(*tls.Conn).Handshake(); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				c.Release()
				if c = acquire(t, h); c.Fresh() {
					t.Fatalf("the connection was not used again; %d were stale", h.series.stale.Load())
				}
				exchange(t, c, end)
			}
			u.none(t)
			if tt.client.ClientSessionCache == nil {
				return
			}
			// The tickets were taken in on the way: the next handshake is a short one.
			c2 := acquire(t, h)
			if !c2.NetConn().(*tlsSocket).ConnectionState().DidResume {
				t.Error("the session was not resumed")
			}
		})
	}
}

// The ticket lies in the socket when the connection is looked at.
func TestTicketOnAnIdleConnectionDoesNotCloseIt(t *testing.T) {
	// A server that asks for a certificate sends the ticket only after the handshake.
	u, h := tlsHost(t, &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert},
		&tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(8)})
	c := acquire(t, h)
	end := u.next(t)
	if err := end.(*tls.Conn).Handshake(); err != nil {
		t.Fatal(err)
	}
	c.Release()
	arrived(t, c.conn)
	c = acquire(t, h)
	if c.Fresh() {
		t.Error("the connection was closed for a session ticket")
	}
	exchange(t, c, end)
}

func TestTLSConnectionThatIsNotQuietIsNotUsedAgain(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, c *Conn, end *tls.Conn)
	}{
		{"surplus bytes", func(t *testing.T, c *Conn, end *tls.Conn) {
			send(t, end, "surplus")
			arrived(t, c.conn)
		}},
		{"closed by the host", func(t *testing.T, c *Conn, end *tls.Conn) {
			_ = end.Close()
			arrived(t, c.conn)
		}},
		{"closed without an alert", func(t *testing.T, c *Conn, end *tls.Conn) {
			_ = end.NetConn().Close()
			arrived(t, c.conn)
		}},
		{"surplus in the record of the answer", func(t *testing.T, c *Conn, end *tls.Conn) {
			send(t, end, "yz")
			readOne(t, c)
		}},
		{"surplus in the next record, read with that of the answer", func(t *testing.T, c *Conn, end *tls.Conn) {
			records := hold(t, end, "y", "z")
			records.release(t, records.held.Len())
			readOne(t, c)
			if !c.conn.socket.(*tlsSocket).wire.Quiet() {
				t.Fatal("the second record is still in the socket: the case tests nothing")
			}
		}},
		{"half a record, read with that of the answer", func(t *testing.T, c *Conn, end *tls.Conn) {
			first := hold(t, end, "y").held.Len()
			hold(t, end, "the next record").release(t, first+10)
			readOne(t, c)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca := newAuthority(t)
			u := listen(t, "127.0.0.1:0", nil)
			h := hostOf(t, u, Options{TLS: &tls.Config{RootCAs: ca.pool}})
			acquire := func() (c *Conn, end *tls.Conn) {
				var wg sync.WaitGroup
				wg.Go(func() {
					end = tls.Server(&holdBack{Conn: u.next(t)}, &tls.Config{
						Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1")},
					})
					if err := end.Handshake(); err != nil {
						t.Error(err)
					}
				})
				c = acquire(t, h)
				wg.Wait()
				return c, end
			}
			c, end := acquire()
			exchange(t, c, end)
			tt.end(t, c, end)
			c.Release()
			if c, _ = acquire(); !c.Fresh() {
				t.Error("the connection was used again")
			}
		})
	}
}

// holdBack is a connection that can hold back what is written, so that several records arrive together.
type holdBack struct {
	net.Conn
	holding bool
	held    bytes.Buffer
}

func (h *holdBack) Write(b []byte) (int, error) {
	if h.holding {
		return h.held.Write(b)
	}
	return h.Conn.Write(b)
}

// hold writes each text as a record of its own and holds them all back.
func hold(t *testing.T, end *tls.Conn, texts ...string) *holdBack {
	t.Helper()
	h := end.NetConn().(*holdBack)
	h.holding = true
	for _, text := range texts {
		send(t, end, text)
	}
	return h
}

// release sends the first n of the bytes that were held back, in one piece.
func (h *holdBack) release(t *testing.T, n int) {
	t.Helper()
	send(t, h.Conn, string(h.held.Next(n)))
}

// readOne reads one byte of answer when all that was sent has arrived.
func readOne(t *testing.T, c *Conn) {
	t.Helper()
	arrived(t, c.conn)
	if _, err := io.ReadFull(c.NetConn(), make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestRecordsAreCountedOffHoweverTheyArrive(t *testing.T) {
	var stream []byte
	ends := map[int]bool{0: true}
	for _, n := range []int{0, 1, 5, 300, 16384} {
		stream = append(stream, 23, 3, 3, byte(n>>8), byte(n))
		stream = append(stream, make([]byte, n)...)
		ends[len(stream)] = true
	}
	for _, step := range []int{1, 2, 3, 4, 5, 6, 7, 1000, len(stream)} {
		var r records
		for at := 0; ; {
			if r.whole() != ends[at] {
				t.Fatalf("steps of %d: after %d bytes whole() = %v", step, at, r.whole())
			}
			if at == len(stream) {
				break
			}
			next := min(at+step, len(stream))
			r.pass(stream[at:next])
			at = next
		}
	}
}

// To send a close_notify, crypto/tls would wait 5 s for a host that takes nothing any more.
func TestTLSConnectionIsClosedWithoutAnAlert(t *testing.T) {
	u, h := tlsHost(t, &tls.Config{}, &tls.Config{})
	c := acquire(t, h)
	end := u.next(t)
	exchange(t, c, end)
	c.Discard()
	if n, err := end.(*tls.Conn).NetConn().Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the host read %d bytes, %v; want 0 bytes, EOF", n, err)
	}
}

// deadlines is a connection that remembers the last deadline it was given.
type deadlines struct {
	net.Conn
	last time.Time
}

func (d *deadlines) SetDeadline(at time.Time) error {
	d.last = at
	return d.Conn.SetDeadline(at)
}

func TestHandshakeLeavesNoDeadline(t *testing.T) {
	ca := newAuthority(t)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "cortex.test")}})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = server.Handshake() })
	d := &deadlines{Conn: a}
	client := tls.Client(d, &tls.Config{RootCAs: ca.pool, ServerName: "cortex.test"})
	if err := handshake(client, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !d.last.IsZero() {
		t.Errorf("the deadline %v is left", d.last)
	}
}
