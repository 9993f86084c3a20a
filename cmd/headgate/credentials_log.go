package main

import (
	"log/slog"

	"github.com/headgate/headgate/authcache"
)

// maxNames is how many names of each kind one line has.
const maxNames = 100

// credentialsChanged writes to the audit log what a source of credentials changed: the numbers, and the names of clients.
// Nothing is written when nothing changed. It is for whoever calls authcache.Cache.Replace.
func (o *logOutput) credentialsChanged(source string, c authcache.Change) {
	if c.Empty() || !o.audit.Load() {
		return
	}
	attrs := []any{"log", "audit", "source", source, "change", c.String()}
	for _, list := range []struct {
		key   string
		names []string
	}{{"added", c.Added}, {"removed", c.Removed}, {"changed", c.Changed}} {
		if len(list.names) == 0 {
			continue
		}
		attrs = append(attrs, slog.Any(list.key, list.names[:min(len(list.names), maxNames)]))
		if more := len(list.names) - maxNames; more > 0 {
			attrs = append(attrs, slog.Int(list.key+"_not_named", more))
		}
	}
	o.changes.Info("the credentials changed", attrs...)
}
