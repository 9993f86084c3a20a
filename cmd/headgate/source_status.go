package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/headgate/headgate/authcache"
)

// writeSources names the sources that are in error, for /ready.
func (a *App) writeSources(w io.Writer) {
	for _, s := range a.parts.credentials.Sources() {
		if s.Read && s.Err == nil {
			continue
		}
		for line := range strings.Lines(sourceProblem(s)) {
			fmt.Fprintf(w, "source %s: %s\n", s.Name, strings.TrimSuffix(line, "\n"))
		}
	}
}

// sourceProblem is what is wrong with a source, "" for nothing.
func sourceProblem(s authcache.SourceStatus) string {
	switch {
	case s.Err != nil:
		return strings.TrimPrefix(s.Err.Error(), fmt.Sprintf("source %q: ", s.Name))
	case !s.Read:
		return "it was not read yet"
	}
	return ""
}
