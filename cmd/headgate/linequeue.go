package main

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// lineQueue writes lines in the background, so that whoever has one to write never waits for who reads them: a journal
// that stands still would hold up every push. What the queue has no room for is dropped and counted.
type lineQueue struct {
	out     io.Writer
	dropped atomic.Int64     // since it was last told
	total   *metrics.Counter // of dropped lines

	lines chan *[]byte
	tell  func(dropped int64) // is told of what was dropped, once there is room again
	stop  chan struct{}
	ended chan struct{}
	once  sync.Once
}

const (
	queuedLines = 8192
	// writtenAtOnce is how many bytes of waiting lines go into one write.
	writtenAtOnce = 64 << 10
	// lastLines is how long the end waits for the lines that are left.
	lastLines = time.Second
)

// linePool lends the memory of lines that wait.
var linePool = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledLine keeps a line that was exceptionally long out of the pool.
const maxPooledLine = 4 << 10

func newLineQueue(out io.Writer, total *metrics.Counter, tell func(dropped int64)) *lineQueue {
	q := &lineQueue{
		out: out, total: total, tell: tell, lines: make(chan *[]byte, queuedLines),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go q.run()
	return q
}

// Write queues one line, or drops it; it never fails.
func (q *lineQueue) Write(line []byte) (int, error) {
	select {
	case <-q.stop:
		return q.out.Write(line)
	default:
	}
	held := linePool.Get().(*[]byte)
	*held = append((*held)[:0], line...)
	select {
	case q.lines <- held:
	default:
		q.total.Inc()
		q.dropped.Add(1)
		giveBack(held)
	}
	return len(line), nil
}

// run writes what is queued until close, and then what is left.
func (q *lineQueue) run() {
	defer close(q.ended)
	var batch []byte
	for {
		select {
		case line := <-q.lines:
			batch = q.write(batch, line)
		case <-q.stop:
			for {
				select {
				case line := <-q.lines:
					batch = q.write(batch, line)
				default:
					return
				}
			}
		}
	}
}

// write writes a line and those that wait behind it. There is nobody to tell of an error: this is the log.
func (q *lineQueue) write(batch []byte, line *[]byte) []byte {
	batch = batch[:0]
	for more := true; more; {
		batch = append(batch, *line...)
		giveBack(line)
		if more = len(batch) < writtenAtOnce; more {
			select {
			case line = <-q.lines:
			default:
				more = false
			}
		}
	}
	_, _ = q.out.Write(batch)
	if dropped := q.dropped.Swap(0); dropped > 0 {
		q.tell(dropped)
	}
	return batch
}

func giveBack(line *[]byte) {
	if cap(*line) <= maxPooledLine {
		linePool.Put(line)
	}
}

// close writes what is left and ends the goroutine, unless nobody reads the log any more. Lines that come later are
// written at once.
func (q *lineQueue) close() {
	q.once.Do(func() { close(q.stop) })
	patience := time.NewTimer(lastLines)
	defer patience.Stop()
	select {
	case <-q.ended:
	case <-patience.C:
	}
}
