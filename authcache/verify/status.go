package verify

import "fmt"

// KeySets tells how the key sets stand, each once and under a name of its own: two that differ in what no name shows, such
// as the query of a URL, are numbered.
func (t *Tokens) KeySets() []KeySetStatus {
	var all []KeySetStatus
	names := numbering{}
	for _, set := range t.state.Load().keySets() {
		status := set.Status()
		status.Name = names.next(status.Name)
		all = append(all, status)
	}
	return all
}

// Keys tells of every key in force, in the order of the configuration, each once and under a name of its own.
func (t *Tokens) Keys() []KeyStatus {
	var all []KeyStatus
	names := numbering{}
	add := func(keys []*Key) {
		for _, key := range keys {
			status := key.Status()
			status.Name = names.next(status.Name)
			all = append(all, status)
		}
	}
	state := t.state.Load()
	for _, i := range state.all {
		add(i.options.Keys)
		if set := i.options.KeySet; set != nil && state.first(set) == i {
			add(set.state.Load().all)
		}
	}
	return all
}

// keySets are those of all issuers, each once.
func (s *issuers) keySets() []*KeySet {
	var sets []*KeySet
	for _, i := range s.all {
		if set := i.options.KeySet; set != nil && s.first(set) == i {
			sets = append(sets, set)
		}
	}
	return sets
}

// first is the first issuer that has a key set.
func (s *issuers) first(set *KeySet) *issuer {
	for _, i := range s.all {
		if i.options.KeySet == set {
			return i
		}
	}
	return nil
}

// numbering gives each name once, and those that come again a number.
type numbering map[string]int

func (n numbering) next(name string) string {
	for {
		n[name]++
		if n[name] == 1 {
			return name
		}
		name = fmt.Sprintf("%s (%d)", name, n[name])
	}
}
