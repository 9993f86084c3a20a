package sources

import (
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// apply puts changes in force, those that may be.
func (e *shared) apply(changes []fleet.Change) {
	now := time.Now()
	var changed []authcache.Entry
	var gone []string
	var puts []keyText // of the entries in changed
	put := func(key, text string) {
		if t, ok := e.parse(key, text); ok {
			changed, puts = append(changed, t.Entry), append(puts, keyText{key, text})
		}
	}
	var unasked []string
	for _, c := range changes {
		_, inForce := e.texts[c.Key]
		switch {
		case !c.Gone:
			delete(e.held, c.Key)
			put(c.Key, c.Text)
		case !inForce:
			delete(e.bad, c.Key)
		case c.Meant:
			gone = append(gone, c.Key)
		case !e.held[c.Key]:
			unasked = append(unasked, c.Key)
		}
	}
	if restored, hold := e.mass(unasked, now); hold {
		for _, key := range unasked {
			e.held[key] = true
		}
		for _, r := range restored {
			if _, there := e.texts[r.key]; !there {
				e.held[r.key] = true
				put(r.key, r.text)
			}
		}
	} else {
		gone = append(gone, unasked...)
	}
	e.amend(changed, puts, gone)
}

// mass reports whether the removal of keys that nobody asked for is too much to go by itself, together with those of the
// last seconds, which then come back. Otherwise it is noted.
func (e *shared) mass(keys []string, now time.Time) (restored []removal, hold bool) {
	e.recent = slices.DeleteFunc(e.recent, func(r removal) bool { return now.Sub(r.at) > holdWindow })
	had := len(e.texts) + len(e.recent)
	removed := len(keys) + len(e.recent)
	if len(keys) > 0 && authcache.MassRemoval(removed, had) {
		restored, e.recent = e.recent, nil
		return restored, true
	}
	for _, key := range keys {
		e.recent = append(e.recent, removal{key, e.texts[key], now})
	}
	return nil, false
}

// keyText is a key and what it holds.
type keyText struct{ key, text string }

// amend changes single credentials; puts are the keys of the entries in changed.
func (e *shared) amend(changed []authcache.Entry, puts []keyText, gone []string) {
	places := make([]string, 0, len(gone))
	for _, key := range gone {
		places = append(places, config.SharedWhere(key))
		delete(e.texts, key)
		delete(e.limits, key)
		delete(e.bad, key)
		delete(e.held, key)
	}
	change, refused := e.sources.options.Cache.Amend(Etcd, changed, places)
	out := map[int]bool{}
	for _, problem := range refused {
		put := puts[problem.Index]
		e.skip(put.key, put.text, problem.Err)
		delete(e.limits, put.key)
		out[problem.Index] = true
	}
	for i, put := range puts {
		if !out[i] {
			e.texts[put.key] = put.text
		}
	}
	e.sources.tell(Etcd, change)
	e.applyLimits()
	e.judge()
	if len(changed)+len(gone) > 0 {
		e.saveSoon()
	}
}
