package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// logOutput is where the program's log goes. Its level and format may change at a reload while every part goes on using
// the logger it was given.
type logOutput struct {
	level  slog.LevelVar
	logfmt atomic.Bool
	logger *slog.Logger
}

// newLogOutput logs to w, which gets each record in one Write: in JSON from level info on, until apply says otherwise.
func newLogOutput(w io.Writer) *logOutput {
	o := &logOutput{}
	options := &slog.HandlerOptions{Level: &o.level}
	o.logger = slog.New(formats{out: o, json: slog.NewJSONHandler(w, options), text: slog.NewTextHandler(w, options)})
	return o
}

// apply takes over level and format; config.Load has checked both.
func (o *logOutput) apply(c config.Log) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		panic("BUG: log.level " + c.Level + " passed the checks")
	}
	o.level.Set(level)
	o.logfmt.Store(c.Format == "logfmt")
}

// formats writes a record in the format of the moment. slog escapes control characters in both.
type formats struct {
	out        *logOutput
	json, text slog.Handler
}

func (f formats) now() slog.Handler {
	if f.out.logfmt.Load() {
		return f.text
	}
	return f.json
}

// Enabled implements slog.Handler.
func (f formats) Enabled(_ context.Context, level slog.Level) bool {
	return level >= f.out.level.Level()
}

// Handle implements slog.Handler.
func (f formats) Handle(ctx context.Context, r slog.Record) error { return f.now().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (f formats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return formats{out: f.out, json: f.json.WithAttrs(attrs), text: f.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (f formats) WithGroup(name string) slog.Handler {
	return formats{out: f.out, json: f.json.WithGroup(name), text: f.text.WithGroup(name)}
}
