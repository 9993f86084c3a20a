package balancer

import (
	"net"

	"github.com/headgate/headgate/balancer/tcp"
)

// plainSocket is a TCP connection.
type plainSocket struct{ *tcp.Conn }

func (s plainSocket) stream() net.Conn { return s.Conn }

func (s plainSocket) quiet() bool { return s.Quiet() }

func (s plainSocket) arrived() bool { return !s.Quiet() }
