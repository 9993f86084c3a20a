package sources

import (
	"log/slog"

	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// keyFile is a JWK set in a file.
type keyFile struct {
	path  string
	look  watch.Print // as it was when it was last read
	rest  watch.Rest  // when it is different
	known bool        // it was read, and look counts
	said  keyLog
}

// read puts the keys of the file in force, if it is not as it was. With an error those in force stay.
func (f *keyFile) read(r *reading, set *verify.KeySet) {
	look := watch.Look(f.path)
	if f.known && look == f.look {
		f.rest.End()
		return
	}
	if look != f.look && f.rest.Wait(look, r.now) {
		r.unfinished = true
		return
	}
	f.rest.End()
	text, err := config.ReadCredentials(f.path)
	if watch.Look(f.path) != look {
		r.unfinished = true
		return
	}
	f.look, f.known = look, true
	if config.Unread(err) {
		f.known, r.failing = false, true // nothing else will tell when it can be read
	}
	if err == nil {
		err = set.Set(text)
	} else {
		err = set.Failed(err)
	}
	f.said.say(r.sources.options.Log.With("file", f.path), err)
}

// keyLog writes to the log what is wrong with a set of keys, when that is not what was wrong before.
type keyLog struct{ said string }

func (l *keyLog) say(log *slog.Logger, err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	switch {
	case problem == l.said:
	case err != nil:
		log.Error("keys of tokens in error, those in use stay", "problem", problem)
	default:
		log.Info("keys of tokens are good again")
	}
	l.said = problem
}
