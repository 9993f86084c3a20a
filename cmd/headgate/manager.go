package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/inbound"
)

// statusLine is what systemctl status shows of the program. The caller holds changing.
func (a *App) statusLine() string {
	g := a.current.Load()
	var b strings.Builder
	fmt.Fprintf(&b, "serving on %s", cmp.Or(strings.Join(texts(plain(g.servers)), ", "), "no address without TLS"))
	if with := texts(secure(g.servers)); len(with) > 0 {
		fmt.Fprintf(&b, ", with TLS on %s", strings.Join(with, ", "))
	}
	fmt.Fprintf(&b, ": %s, %s, %s", count(g.clients, "client"), count(len(g.snapshot.Routes()), "route"), count(len(g.upstreams()), "upstream"))
	if last := a.lastReload.Load(); !last.Successful {
		fmt.Fprintf(&b, "; the last reload was refused: %s", strings.Join(last.Problems[:min(len(last.Problems), 1)], ""))
	}
	return b.String()
}

// goodbye is how much longer than the drain the end of the program may take.
const goodbye = 10 * time.Second

// tellStopping says that the program drains, and how long that may take.
func (a *App) tellStopping(server config.Server) {
	within := time.Duration(0)
	if server.DrainTimeout.Value > 0 {
		within = time.Duration(server.DrainDelay) + server.DrainTimeout.Value + goodbye
	}
	a.manager.Stopping("draining: "+count(int(a.proxy.InFlight()), "request")+" under way", within)
}

// alive is the error of a program that does not serve, for the watchdog: every listener must answer. While draining,
// which ends by itself, there is nothing to find out.
func (a *App) alive(ctx context.Context) error {
	if a.draining.Load() {
		return nil
	}
	g := a.current.Load()
	var errs []error
	for _, l := range g.servers {
		if err := a.answers(ctx, l, &g.config.Server); err != nil && !a.draining.Load() {
			errs = append(errs, fmt.Errorf("%s does not answer: %w", l.Addr(), err))
		}
	}
	return errors.Join(errs...)
}

// answers asks a listener for the health path as any client does, or without one sees whether it takes a connection.
// Any answer will do, a refusal too, and so will the end of the connection: somebody has accepted it. What must not
// happen is nothing.
func (a *App) answers(ctx context.Context, l *listener, cfg *config.Server) error {
	healthPath := cfg.HealthPath
	conn, err := (&net.Dialer{}).DialContext(ctx, l.Addr().Network(), l.Addr().String())
	switch {
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return nil // it says nothing of the listener
	case err != nil:
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if a.fixed.ProxyProtocol && inbound.MustSendHeader(conn.LocalAddr(), *a.proxies.Load()) {
		if _, err := io.WriteString(conn, "PROXY UNKNOWN\r\n"); err != nil {
			return err
		}
	}
	stream := conn
	switch {
	case l.secure && cfg.TLS.TLSConfig().ClientAuth == tls.RequireAndVerifyClientCert:
		healthPath = "" // we have no certificate to show, and need none to be accepted
	case l.secure:
		// It is this process that answers, whatever its certificate says.
		stream = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // #nosec G402
	}
	if healthPath != "" {
		_, err = io.WriteString(stream, "GET "+healthPath+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	} else {
		err = endSending(stream)
	}
	if err == nil {
		_, err = stream.Read(make([]byte, 1))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

// endSending tells the other side that nothing more comes, which ends a connection without a request.
func endSending(conn net.Conn) error {
	if secure, ok := conn.(*tls.Conn); ok {
		if err := secure.Handshake(); err != nil {
			return err
		}
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
