package authcache

import (
	"fmt"
	"slices"
)

// Change is what a Replace did, as sorted names of clients (Identity.Client), each in one of the lists. The slices are
// the caller's.
type Change struct {
	Added   []string // had no credential before
	Removed []string // have none any more
	Changed []string // got or lost a credential beside others, or have another identity
}

// Empty reports whether nothing changed.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// String is the numbers: "+3 -1 ~2".
func (c Change) String() string {
	return fmt.Sprintf("+%d -%d ~%d", len(c.Added), len(c.Removed), len(c.Changed))
}

// changeLog gathers names while a plan is carried out.
type changeLog struct {
	add, remove, alter []string
}

func (l *changeLog) added(r *record)   { l.add = append(l.add, r.identity.Load().Client) }
func (l *changeLog) removed(r *record) { l.remove = append(l.remove, r.identity.Load().Client) }
func (l *changeLog) changed(r *record) { l.alter = append(l.alter, r.identity.Load().Client) }

// change sorts the names. One that was both added and removed, under two user names or as two tokens, has changed.
func (l *changeLog) change() Change {
	added, removed := unique(l.add), unique(l.remove)
	both := func(name string) bool {
		_, a := slices.BinarySearch(added, name)
		_, r := slices.BinarySearch(removed, name)
		return a && r
	}
	for _, name := range added {
		if both(name) {
			l.alter = append(l.alter, name)
		}
	}
	altered := unique(l.alter)
	isAltered := func(name string) bool {
		_, found := slices.BinarySearch(altered, name)
		return found
	}
	return Change{
		Added:   slices.DeleteFunc(added, isAltered),
		Removed: slices.DeleteFunc(removed, isAltered),
		Changed: altered,
	}
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
