package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// logOutput is where the program's log goes. Its level and format may change at a reload while every part goes on using
// the logger it was given.
//
// What the program says of itself is written before it goes on. Lines that requests cause go through a queue, which drops
// some rather than hold up a request; but for those of changes, which are few and must be there afterwards.
type logOutput struct {
	level   slog.LevelVar
	logfmt  atomic.Bool
	audit   atomic.Bool
	journal bool // lines say their priority
	queue   *lineQueue

	logger   *slog.Logger // of the program
	events   *slog.Logger // of what happens while requests are served
	requests *slog.Logger // of single requests, whatever the level: they have switches of their own
	changes  *slog.Logger // of changes, whatever the level
}

// newLogOutput logs to w, which gets whole lines: in JSON from level info on, until apply says otherwise. To a
// systemd.Journal each line says its priority.
func newLogOutput(w io.Writer, set *metrics.Set) *logOutput {
	o := &logOutput{}
	if journal, is := w.(systemd.Journal); is {
		w, o.journal = journal.Stream, true
	}
	shared := &lockedWriter{w: w}
	o.queue = newLineQueue(shared, set.NewCounter("headgate_log_lines_dropped_total"), o.tellDropped)
	o.logger = slog.New(o.handler(shared, &o.level))
	o.events = slog.New(o.handler(o.queue, &o.level))
	o.requests = slog.New(o.handler(o.queue, slog.LevelDebug))
	o.changes = slog.New(o.handler(shared, slog.LevelDebug))
	return o
}

func (o *logOutput) handler(w io.Writer, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	handler := func(w io.Writer) slog.Handler {
		return formats{logfmt: &o.logfmt, json: slog.NewJSONHandler(w, options), text: slog.NewTextHandler(w, options)}
	}
	if o.journal {
		return weigh(w, handler)
	}
	return handler(w)
}

// apply takes over what [log] says of the program's own lines; config.Load has checked both.
func (o *logOutput) apply(c config.Log) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		panic("BUG: log.level " + c.Level + " passed the checks")
	}
	o.level.Set(level)
	o.logfmt.Store(c.Format == "logfmt")
	o.audit.Store(c.Audit.Enabled)
}

// tellDropped says that lines are missing.
func (o *logOutput) tellDropped(n int64) {
	o.logger.Warn("lines were dropped because the log was not read fast enough", "count", n)
}

// close writes what waits to be written.
func (o *logOutput) close() { o.queue.close() }

// lockedWriter lets several write whole lines to one.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

// Write writes p in one piece.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// formats writes a record in the format of the moment. slog escapes control characters in both.
type formats struct {
	logfmt     *atomic.Bool
	json, text slog.Handler
}

func (f formats) now() slog.Handler {
	if f.logfmt.Load() {
		return f.text
	}
	return f.json
}

// Enabled implements slog.Handler.
func (f formats) Enabled(ctx context.Context, level slog.Level) bool {
	return f.json.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (f formats) Handle(ctx context.Context, r slog.Record) error { return f.now().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (f formats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return formats{f.logfmt, f.json.WithAttrs(attrs), f.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (f formats) WithGroup(name string) slog.Handler {
	return formats{f.logfmt, f.json.WithGroup(name), f.text.WithGroup(name)}
}
