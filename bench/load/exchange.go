package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/headgate/headgate/bench/socket"
)

// send begins a request that was due at a moment. Its error ends the run; one of the connection does not.
func (d *driver) send(c *conn, due time.Duration) error {
	c.busy, c.due, c.out = true, due, d.request()
	c.answer.reset()
	d.busy++
	if err := c.push(); err != nil {
		return d.broken(c, err)
	}
	return nil
}

// push writes what there is room for.
func (c *conn) push() error {
	for len(c.out) > 0 {
		n, err := c.write(c.out)
		if err == socket.ErrAgain {
			return nil
		}
		if err != nil {
			return err
		}
		c.out = c.out[n:]
	}
	held, err := c.flush()
	c.held = held
	return err
}

// proceed writes and reads what the socket allows.
func (d *driver) proceed(c *conn) error {
	if len(c.out) > 0 || c.held {
		if err := c.push(); err != nil {
			return d.broken(c, err)
		}
	}
	for {
		complete, more, err := d.receive(c)
		switch {
		case err != nil:
			return d.broken(c, err)
		case complete:
			return d.complete(c)
		case !more:
			return nil
		}
	}
}

var (
	errEnd        = errors.New("the connection was closed before the answer was complete")
	errEarly      = errors.New("the answer came before the request was written")
	errUnexpected = errors.New("an answer came without a request")
)

// receive reads once. More reports that another read may find something.
func (d *driver) receive(c *conn) (complete, more bool, err error) {
	if c.answer.headed && c.answer.body > 0 {
		n, err := c.discard(c.answer.body)
		switch {
		case err == socket.ErrAgain:
			return false, false, nil
		case err != nil:
			return false, false, err
		case n == 0:
			return false, false, errEnd
		}
		c.answer.body -= n
		return c.answer.complete(), true, nil
	}
	n, err := c.read(d.buffer)
	switch {
	case err == socket.ErrAgain:
		return false, false, nil
	case err != nil:
		return false, false, err
	case n == 0:
		return false, false, errEnd
	case !c.busy:
		return false, false, errUnexpected
	}
	complete, err = c.answer.feed(d.buffer[:n])
	_, direct := c.stream.(plain)
	return complete, !direct || n == len(d.buffer) || c.answer.headed, err
}

// complete counts an answer and frees its connection.
func (d *driver) complete(c *conn) error {
	if len(c.out) > 0 || c.held {
		return d.broken(c, errEarly)
	}
	now := d.now()
	d.busy--
	c.busy = false
	d.result.Total++
	if d.phase == measuring {
		d.result.Requests++
		if c.answer.status >= 300 {
			d.result.Refused++
			d.trouble(fmt.Sprintf("answered %d", c.answer.status))
		}
	}
	if d.counts(c.due) {
		record(d.result.Latency, now-c.due)
	}
	if c.answer.last {
		d.result.Reconnects++
		if err := d.reopen(c); err != nil {
			return err
		}
	}
	d.free.push(c)
	return nil
}

// broken handles a connection that failed or was closed: a failure if a request was under way, else a new connection.
func (d *driver) broken(c *conn, cause error) error {
	if !c.busy {
		// The conn stands in the queue of free ones, and stays there.
		d.result.Reconnects++
		return d.reopen(c)
	}
	d.busy--
	d.result.Failures++
	if d.o.Pace == Once {
		return fmt.Errorf("the request of a connection: %w", cause)
	}
	d.trouble(cause.Error())
	if d.result.Failures > maxFailures {
		return fmt.Errorf("more than %d connections failed, the first: %s", maxFailures, d.result.Trouble)
	}
	if err := d.reopen(c); err != nil {
		return err
	}
	d.free.push(c)
	return nil
}

// reopen gives a conn that is done with a new connection. After Once's request nobody needs one.
func (d *driver) reopen(c *conn) error {
	delete(d.conns, c.fd())
	c.close()
	if d.o.Pace == Once {
		return nil
	}
	return d.open(c)
}

func (d *driver) trouble(text string) {
	if d.result.Trouble == "" {
		d.result.Trouble = text
	}
}
