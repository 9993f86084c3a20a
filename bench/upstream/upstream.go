package upstream

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/headgate/headgate/bench/header"
	"github.com/headgate/headgate/bench/socket"
)

// maxHead is the longest head taken, in bytes.
const maxHead = 16 << 10

// Server is the stand-in on one listening socket. It has no goroutine of its own: whoever waits on the poller hands it what
// is its own.
type Server struct {
	listener int
	addr     netip.AddrPort
	poller   *socket.Poller
	peers    map[int]*peer
	read     []byte // shared: what a peer's request does not finish is moved to the peer
	answers  map[int][]byte
}

// peer is one connection.
type peer struct {
	fd      int
	partial []byte // a head that has not come whole
	body    int    // bytes of the request's body that are still to come
	request request
	answer  []byte // what is still to be written
	last    bool
}

// Listen opens the stand-in on an IPv4 address; port 0 takes a free one. Its sockets are added to the poller, which may
// watch others too.
func Listen(poller *socket.Poller, addr netip.AddrPort) (*Server, error) {
	listener, bound, err := socket.Listen(addr)
	if err != nil {
		return nil, err
	}
	if err := poller.Add(listener); err != nil {
		return nil, err
	}
	return &Server{
		listener: listener, addr: bound, poller: poller, peers: map[int]*peer{},
		read: make([]byte, 8<<10), answers: map[int][]byte{},
	}, nil
}

// Addr returns the address it listens on.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Handle goes on with a socket on which something has changed; one that is not the server's is left alone. A peer that fails
// is dropped; the error is about accepting.
func (s *Server) Handle(fd int) error {
	if fd == s.listener {
		return s.accept()
	}
	if p := s.peers[fd]; p != nil {
		if err := s.serve(p); err != nil {
			delete(s.peers, fd)
			socket.Close(fd)
		}
	}
	return nil
}

// Serve waits on the poller and handles what changes, until that fails.
func (s *Server) Serve() error {
	for {
		ready, err := s.poller.Wait(socket.Forever)
		if err != nil {
			return err
		}
		for _, fd := range ready {
			if err := s.Handle(fd); err != nil {
				return err
			}
		}
	}
}

func (s *Server) accept() error {
	for {
		fd, err := socket.Accept(s.listener)
		if err == socket.ErrAgain {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		if err := s.poller.Add(fd); err != nil {
			return err
		}
		s.peers[fd] = &peer{fd: fd}
	}
}

// serve goes on with a peer as far as its socket allows. An error, also the ordinary end, means that it is done.
func (s *Server) serve(p *peer) error {
	for {
		if len(p.answer) > 0 {
			if more, err := p.write(); err != nil || more {
				return err
			}
		}
		if p.last {
			return errDone
		}
		if p.body > 0 {
			if err := p.discard(); err != nil {
				return quiet(err)
			}
			if err := s.reply(p, nil); err != nil {
				return err
			}
			continue
		}
		n, err := socket.Read(p.fd, s.read)
		if err != nil {
			return quiet(err)
		}
		if n == 0 {
			return errDone
		}
		if err := s.take(p, s.read[:n]); err != nil {
			return err
		}
		// Less than there was room for: nothing more is there, and the poller tells when there is.
		if n < len(s.read) && p.body == 0 && len(p.answer) == 0 && !p.last {
			return nil
		}
	}
}

var errDone = fmt.Errorf("the peer is done")

// quiet makes ErrAgain no error.
func quiet(err error) error {
	if err == socket.ErrAgain {
		return nil
	}
	return err
}

// take handles what was read while no body was expected.
func (s *Server) take(p *peer, data []byte) error {
	if len(p.partial) > 0 {
		data = append(p.partial, data...)
		p.partial = p.partial[:0]
	}
	for len(data) > 0 {
		at := bytes.Index(data, header.EndOfHead)
		if at < 0 {
			if len(data) > maxHead {
				return errHead
			}
			p.partial = append([]byte(nil), data...)
			return nil
		}
		head, rest := data[:at], data[at+len(header.EndOfHead):]
		request, err := parse(head)
		if err != nil {
			return err
		}
		p.request, p.last = request, request.last
		if request.more && len(rest) == 0 {
			p.answer = slices.Concat(p.answer, []byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
		if request.length > len(rest) {
			p.body = request.length - len(rest)
			p.request.path = nil // It borrows from data.
			return nil
		}
		data = rest[request.length:]
		if err := s.reply(p, head); err != nil {
			return err
		}
	}
	return nil
}

// discarded is never written to.
var discarded = make([]byte, 1<<20)

// discard drops the rest of a body, until nothing of it is missing (nil) or nothing more is there (ErrAgain).
func (p *peer) discard() error {
	for p.body > 0 {
		n, err := socket.Discard(p.fd, discarded[:min(p.body, len(discarded))])
		if err != nil {
			return err
		}
		if n == 0 {
			return errDone
		}
		p.body -= n
	}
	return nil
}

var (
	pushed  = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	empty   = []byte("HTTP/1.1 204 No Content\r\n\r\n")
	unknown = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

// reply answers the request whose body is complete, and writes as much as there is room for.
func (s *Server) reply(p *peer, head []byte) error {
	answer := unknown
	if p.request.post {
		answer = pushed
		if p.request.noContent {
			answer = empty
		}
	} else if echo, size, ok := wanted(p.request.path); ok {
		answer = s.answer(size)
		if echo {
			answer = render(head)
		}
	}
	if len(p.answer) > 0 {
		answer = slices.Concat(p.answer, answer) // What waits may be shared.
	}
	p.answer = answer
	_, err := p.write()
	return err
}

// write writes what is left of the answer and reports whether some of it has to wait.
func (p *peer) write() (more bool, err error) {
	for len(p.answer) > 0 {
		n, err := socket.Write(p.fd, p.answer)
		if err == socket.ErrAgain {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		p.answer = p.answer[n:]
	}
	p.answer = nil
	return false, nil
}

// answer returns the whole answer with a body of size bytes, made once for each size. Peers share it: it is only read.
func (s *Server) answer(size int) []byte {
	whole, ok := s.answers[size]
	if !ok {
		whole = render(bytes.Repeat([]byte(`{"metric":{},"value":[1767225600,"1"]}`), size/38+1)[:size])
		s.answers[size] = whole
	}
	return whole
}

func render(body []byte) []byte {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return append([]byte(head), body...)
}
