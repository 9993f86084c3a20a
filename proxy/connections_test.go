package proxy

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// TestAGatewayThatGoesAwayClosesWhatIsIdle has a connection that was used, and one that was just opened: the second is
// given a moment for the request that it was opened for.
func TestAGatewayThatGoesAwayClosesWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list connections
		open := func() *client {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { ours.Close(); theirs.Close() })
			return list.add(ours, &wire.Limits{})
		}
		open().used.Store(true)
		open()
		if left := list.closeIdle(); left != 1 {
			t.Errorf("%d connections left, want the one that was just opened", left)
		}
		time.Sleep(firstRequest - 1)
		if left := list.closeIdle(); left != 1 {
			t.Errorf("%d connections left within its time", left)
		}
		time.Sleep(time.Nanosecond)
		if left := list.closeIdle(); left != 0 {
			t.Errorf("%d connections left after its time", left)
		}
	})
}

// TestAConnectionOnWhichARequestArrivesIsNotIdle sends on a connection that was used before anybody has read it.
func TestAConnectionOnWhichARequestArrivesIsNotIdle(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	theirs, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var list connections
	c := list.add(ours, &wire.Limits{})
	c.used.Store(true)
	if _, err := io.WriteString(theirs, "G"); err != nil {
		t.Fatal(err)
	}
	for !wire.Arrived(ours) { // loopback is quick, but not at once
	}
	if left := list.closeIdle(); left != 1 {
		t.Errorf("%d connections left, want the one with a request", left)
	}
	if _, err := io.ReadFull(ours, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if left := list.closeIdle(); left != 0 {
		t.Errorf("%d connections left once nothing arrives", left)
	}
}
