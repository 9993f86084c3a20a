package tcp

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Conn is a TCP connection. As with any, one goroutine may read while another one writes and a third one closes it; two
// must not read at once, nor two write. Only Read and Write are its own, the rest is that of the net package.
type Conn struct {
	*net.TCPConn
	raw syscall.RawConn
	in  direction
	out direction

	take   func(fd uintptr) // readOnce for ReadArrived, bound once as well
	look   func(fd uintptr) // lookOnce, likewise
	silent bool             // what look found
	one    [1]byte
}

// direction is one call of Read or Write: what the function that the poller calls is given, and what came of it. The
// function is bound once, because a closure made for each call would be garbage.
type direction struct {
	bytes []byte
	n     int
	err   error
	try   func(fd uintptr) (done bool)
}

// New makes a Conn of a connection, which belongs to it from then on. The error is that of a connection that is closed.
func New(c *net.TCPConn) (*Conn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	conn := &Conn{TCPConn: c, raw: raw}
	conn.in.try, conn.out.try, conn.look = conn.readOnce, conn.writeOnce, conn.lookOnce
	conn.take = func(fd uintptr) { conn.readOnce(fd) }
	return conn, nil
}

// Raw is access to the socket.
func (c *Conn) Raw() syscall.RawConn { return c.raw }

// Read implements net.Conn, with the errors of a net.TCPConn.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.in.bytes = b
	err := c.raw.Read(c.in.try)
	return c.hasRead(err)
}

// ReadArrived is Read of what has come, without waiting, a passed deadline or not: the error is syscall.EAGAIN
// when nothing has.
func (c *Conn) ReadArrived(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.in.bytes = b
	err := c.raw.Control(c.take)
	return c.hasRead(err)
}

// hasRead is what came of a read, for which the poller had an error of its own or none.
func (c *Conn) hasRead(err error) (int, error) {
	c.in.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case c.in.err == syscall.EAGAIN: // of ReadArrived alone, and of most of its calls: it is not worth an allocation
		return 0, syscall.EAGAIN
	case c.in.err != nil:
		return 0, c.failed("read", c.in.err)
	case c.in.n == 0:
		return 0, io.EOF
	}
	return c.in.n, nil
}

func (c *Conn) readOnce(fd uintptr) (done bool) {
	for {
		c.in.n, c.in.err = read(fd, c.in.bytes)
		if c.in.err != syscall.EINTR {
			return c.in.err != syscall.EAGAIN
		}
	}
}

// Write implements net.Conn, with the errors of a net.TCPConn. How much was written before an error is returned with it.
func (c *Conn) Write(b []byte) (int, error) {
	c.out.bytes, c.out.n, c.out.err = b, 0, nil
	err := c.raw.Write(c.out.try)
	c.out.bytes = nil
	if err == nil && c.out.err != nil {
		err = c.failed("write", c.out.err)
	}
	return c.out.n, err
}

func (c *Conn) writeOnce(fd uintptr) (done bool) {
	for c.out.n < len(c.out.bytes) {
		n, err := write(fd, c.out.bytes[c.out.n:])
		switch err {
		case nil:
			c.out.n += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			c.out.err = err
			return true
		}
	}
	return true
}

// Quiet reports, without waiting, whether the connection is open and no byte has come on it. It looks into the receive
// buffer once, and takes nothing from it. Not for use while another goroutine calls it.
func (c *Conn) Quiet() bool {
	c.silent = false
	err := c.raw.Control(c.look) // and not Read, which fails without looking when a deadline has passed
	return err == nil && c.silent
}

// lookOnce leaves what is there where it is. End of file (no byte, no error) and every error but "nothing there" mean
// that the connection is not quiet.
func (c *Conn) lookOnce(fd uintptr) {
	for {
		err := peek(fd, &c.one)
		if err != syscall.EINTR {
			c.silent = err == syscall.EAGAIN
			return
		}
	}
}

// failed is an error of the kernel as the net package tells it.
func (c *Conn) failed(call string, err error) error {
	return &net.OpError{Op: call, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(call, err)}
}
