package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// weighed writes records to the journal, each line with the priority of its level, by which journalctl -p selects.
type weighed struct{ debug, info, warn, err slog.Handler }

// weigh makes the handler of each priority.
func weigh(w io.Writer, handler func(io.Writer) slog.Handler) weighed {
	of := func(p systemd.Priority) slog.Handler { return handler(p.Lines(w)) }
	return weighed{of(systemd.Debug), of(systemd.Info), of(systemd.Warning), of(systemd.Err)}
}

func (h weighed) of(level slog.Level) slog.Handler {
	switch {
	case level < slog.LevelInfo:
		return h.debug
	case level < slog.LevelWarn:
		return h.info
	case level < slog.LevelError:
		return h.warn
	}
	return h.err
}

// Enabled implements slog.Handler.
func (h weighed) Enabled(ctx context.Context, level slog.Level) bool {
	return h.of(level).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h weighed) Handle(ctx context.Context, r slog.Record) error {
	return h.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h weighed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return weighed{h.debug.WithAttrs(attrs), h.info.WithAttrs(attrs), h.warn.WithAttrs(attrs), h.err.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h weighed) WithGroup(name string) slog.Handler {
	return weighed{h.debug.WithGroup(name), h.info.WithGroup(name), h.warn.WithGroup(name), h.err.WithGroup(name)}
}
