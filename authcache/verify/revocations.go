package verify

import (
	"strings"
	"sync/atomic"
)

// Revocations is a list of token IDs (jti) that are not taken any more. It may be replaced at any time; a token that was
// verified before is looked up again after each change.
type Revocations struct {
	ids     atomic.Pointer[map[string]struct{}]
	version atomic.Uint64 // counts the changes
}

// NewRevocations returns a list with these IDs.
func NewRevocations(ids []string) *Revocations {
	r := &Revocations{}
	r.Set(ids)
	return r
}

// ParseRevocations reads a list of IDs, one a line. Blanks around them, empty lines, lines that begin with "#" and a byte
// order mark do not count.
func ParseRevocations(text string) []string {
	var ids []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if id := strings.TrimSpace(line); id != "" && id[0] != '#' {
			ids = append(ids, strings.Clone(id))
		}
	}
	return ids
}

// Set replaces the whole list.
func (r *Revocations) Set(ids []string) {
	set := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		set[id] = struct{}{}
	}
	r.ids.Store(&set)
	r.version.Add(1)
}

// Len is the number of IDs.
func (r *Revocations) Len() int { return len(*r.ids.Load()) }
