// Package watch tells when one of the files that a configuration names has changed. It reads no file: what changed, and
// whether that is good, is for whoever is told.
package watch

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long a first notice waits for more: an editor, a certificate renewal and a
	// configuration tool all write more than one file, or one file in more than one step.
	settle = 100 * time.Millisecond
	// again is how often everything is looked at without having been told of a change: network file systems send no
	// events, and a folder that did not exist cannot be watched.
	again = 30 * time.Second
)

// Watcher watches files and folders by their names, through links, whatever becomes of them in between.
type Watcher struct {
	changed func()
	log     *slog.Logger

	mu    sync.Mutex
	paths map[string]Print // guarded by mu

	places map[string]bool   // guarded by mu; the folders whose events were asked for
	deaf   bool              // guarded by mu; one gives none, which was said
	later  bool              // guarded by mu; changed is to be called at the next look
	events *fsnotify.Watcher // nil: this machine gives none
	doubts chan struct{}     // has room for one
	stop   chan struct{}
	done   sync.WaitGroup
}

// New starts a Watcher of nothing. changed is called from the Watcher's own goroutine, never twice at the same time.
func New(changed func(), log *slog.Logger) *Watcher {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("files are looked at every 30 s only, the system gives no notice of changes", "error", err)
		return NewDeaf(changed, log)
	}
	return start(changed, log, events)
}

// NewDeaf is New for a machine that gives no notice of changes: everything is looked at when Doubt is called, and again
// and again.
func NewDeaf(changed func(), log *slog.Logger) *Watcher { return start(changed, log, nil) }

func start(changed func(), log *slog.Logger, events *fsnotify.Watcher) *Watcher {
	w := &Watcher{
		changed: changed, log: log, paths: make(map[string]Print),
		events: events, doubts: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	w.done.Go(w.run)
	return w
}

// Set makes paths, files or folders, all that is watched. Of one that was not watched before nobody can tell whether it
// has changed since the caller read it: changed is called once more in a moment.
func (w *Watcher) Set(paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.paths
	w.paths = make(map[string]Print, len(paths))
	left := w.places
	w.places = make(map[string]bool)
	for _, p := range paths {
		known, ok := before[p]
		if !ok {
			known = lookInto(p)
			w.Doubt()
		}
		w.paths[p] = known
		w.listen(p)
	}
	for place := range left {
		if !w.places[place] && w.events != nil {
			_ = w.events.Remove(place) // it may be gone, which ends its events as well
		}
	}
}

// Doubt makes the Watcher call changed once more in a moment, whether it sees a change or not: for a caller who has to
// look at something again then.
func (w *Watcher) Doubt() {
	select {
	case w.doubts <- struct{}{}:
	default: // it is going to
	}
}

// Later makes the Watcher call changed at its next look, within 30 s, whether it sees a change or not: for a caller who could
// not read something although it is there.
func (w *Watcher) Later() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later = true
}

// listen asks for events of all places where a change of what the path leads to shows. The caller holds mu.
func (w *Watcher) listen(path string) {
	if w.events == nil {
		return
	}
	for _, place := range places(path) {
		w.places[place] = true
		if err := w.events.Add(place); err != nil && !errors.Is(err, fs.ErrNotExist) && !w.deaf {
			w.deaf = true // the others are most likely no better
			w.log.Warn("changes are seen within 30 s only, a folder gives no notice of them; want it readable, and fs.inotify.max_user_watches large enough",
				"folder", place, "error", err)
		}
	}
}

// Close ends the Watcher and waits for a call of changed that is under way.
func (w *Watcher) Close() {
	close(w.stop)
	w.done.Wait()
	if w.events != nil {
		_ = w.events.Close() // nothing is waiting for its events any more
	}
}

// run waits for events to settle, looks at what is watched, and tells when it is different.
func (w *Watcher) run() {
	var events chan fsnotify.Event
	var failures chan error
	if w.events != nil {
		events, failures = w.events.Events, w.events.Errors
	}
	next := time.NewTimer(again)
	defer next.Stop()
	settling, doubtful := false, false
	for {
		select {
		case <-w.stop:
			return
		case err := <-failures:
			w.log.Warn("notices of changed files were lost, looking at all of them", "error", err)
		case <-events:
		case <-w.doubts:
			doubtful = true
		case <-next.C:
			if w.look() || doubtful {
				w.changed()
			}
			settling, doubtful = false, false
			next.Reset(again)
			continue
		}
		// The first event of a burst starts the wait and no later one puts it off, or a folder that somebody writes to all
		// the time would keep us from ever looking. What comes after the look is an event again.
		if !settling {
			settling = true
			next.Reset(settle)
		}
	}
}

// look reports whether anything is different from when it was last looked at, or was to be looked at again.
func (w *Watcher) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	different := w.later
	w.later = false
	for path, known := range w.paths {
		if now := lookInto(path); now != known {
			w.paths[path] = now
			different = true
			w.listen(path)
		}
	}
	return different
}
