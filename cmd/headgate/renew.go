package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// watchFiles makes the watcher look after the files that the configuration in use names; it starts one at the first need.
// The caller holds changing.
func (a *App) watchFiles() {
	paths := a.readings.Paths()
	if a.watcher == nil {
		if len(paths) == 0 || !a.serving || a.closed {
			return
		}
		a.watcher = watch.New(a.filesChanged, a.log)
	}
	a.watcher.Set(paths)
	a.retryFailing()
}

// filesChanged is told that a file which the configuration names may be another one now.
func (a *App) filesChanged() {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.changeable.Err() != nil {
		return
	}
	changed, unfinished := a.readings.Changed(time.Now())
	if len(unfinished) > 0 {
		a.watcher.Doubt()
	}
	if len(changed) > 0 {
		a.slow.Load(func() { a.reassemble(changed, unfinished) })
	}
	a.retryFailing()
}

// retryFailing has files that could not be read tried again, of which nobody will give notice. The caller holds changing.
func (a *App) retryFailing() {
	if a.readings.Failing() {
		a.watcher.Later()
	}
}

// letRest waits for those who are writing files that the configuration in use names: whoever writes one and asks for a
// reload at once would else have half of it in force. The caller holds changing.
func (a *App) letRest() {
	const pause = watch.Quiet / 4
	for waited := time.Duration(0); waited < watch.Patience; waited += pause {
		if _, unfinished := a.readings.Changed(time.Now()); len(unfinished) == 0 || a.changeable.Err() != nil {
			return
		}
		time.Sleep(pause)
	}
}

// reassemble puts the configuration in use in place once more, with what its files hold now: but for those that may still
// be written, and those that cannot be used, each of which is taken to hold what it did before. The configuration file is
// not read for that: what has been written there meanwhile waits for its own reload. The caller holds changing.
func (a *App) reassemble(changed, unfinished []string) {
	g := a.current.Load()
	a.log.Info("files that the configuration names have changed", "files", changed)
	readings := a.readings.Clone()
	o := a.options.loading()
	o.Last, o.Unread, o.Reads, o.Failed = g.config.Files(), unfinished, readings.Note, readings.Failed
	var conflicts config.Problems
	for {
		loaded, err := parse(a.options.ConfigFile, g.text, o)
		if err == nil {
			loaded.readings, loaded.held = readings, append(conflicts, loaded.config.Held()...)
			if len(loaded.held) == 0 && len(g.held) == 0 && sameFiles(loaded.config, g.config) {
				a.readings = readings // they were touched, and hold what they did
				return
			}
			err = a.change(loaded)
		}
		refused, conflict := errors.AsType[*authcache.ReplaceError](err)
		if conflict {
			more, problems := toBlame(refused, loaded.config, g.config)
			o.Unread, conflicts = append(o.Unread, more...), append(conflicts, problems...)
			conflict = len(more) > 0
		}
		switch {
		case conflict:
		case errors.Is(err, errStopping):
			return
		case err != nil:
			a.readings = readings
			a.keepFiles(problemsOf(err))
			return
		default:
			a.sayHeld(g.held, loaded.held)
			return
		}
	}
}

// sameFiles reports whether the files of two configurations hold the same.
func sameFiles(a, b *config.Config) bool {
	return slices.EqualFunc(a.Files(), b.Files(), func(a, b config.File) bool { return a.Path == b.Path && a.Same(b) })
}

func filePaths(files []config.File) []string {
	paths := make([]string, 0, len(files))
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

// toBlame are the files whose secrets cannot be in force beside those of other sources, of those that hold other ones
// than before, and what is wrong with them.
func toBlame(refused *authcache.ReplaceError, now, before *config.Config) (paths []string, problems config.Problems) {
	for _, p := range refused.Problems {
		key := fmt.Sprintf("tenants[%d]", p.Index)
		was := before.FilesAt(key)
		for i, file := range now.FilesAt(key) {
			if !file.Same(was[i]) {
				paths = append(paths, file.Path)
				problems = append(problems, config.Problem{Level: config.Error, Key: key, Text: p.Err.Error()})
			}
		}
	}
	return paths, problems
}

// keepFiles notes that no change of a file is in force, and why.
func (a *App) keepFiles(problems []string) {
	for _, problem := range problems {
		a.log.Log(context.Background(), levelOf(problem), "changed files not used, what they held before stays", "problem", problem)
	}
	a.lastReload.Store(&admin.Reload{Time: time.Now().UTC(), Problems: problems})
	a.doubtOwn(problems)
}

// sayHeld writes to the log which changed files are not used, when that is news.
func (a *App) sayHeld(before, now config.Problems) {
	for _, p := range now {
		if !slices.Contains(before, p) {
			a.log.Error("changed files not used, what they held before stays", "problem", p.String())
		}
	}
	if len(before) > 0 && len(now) == 0 {
		a.log.Info("the files that the configuration names are all used as they are")
	}
}

// mostHeldShown bounds what /ready says of files that cannot be used.
const mostHeldShown = 10

// writeHeld names the files that the configuration names and that cannot be used as they are, for /ready.
func (g *generation) writeHeld(text *strings.Builder) {
	for i, p := range g.held {
		if i == mostHeldShown {
			fmt.Fprintf(text, "and %s\n", count(len(g.held)-i, "more problem"))
			return
		}
		fmt.Fprintf(text, "a file that the configuration names cannot be used, what it held before is: %s\n", p)
	}
}
