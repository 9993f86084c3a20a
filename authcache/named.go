package authcache

import (
	"cmp"
	"slices"
)

// Named is a configured credential that somebody asks for by a name.
type Named struct {
	Identity *Identity // must not be changed
	Scheme   Scheme
	Source   string // the first source that has it
	Where    string // where in it
}

// Named finds the credentials of a client, by source and place: those whose user name this is, or else those whose
// client's name it is, or its tenant and that with a slash between them. It is not for requests: it looks at every
// credential there is.
func (c *Cache) Named(name string) []Named {
	c.mu.Lock()
	defer c.mu.Unlock()
	var users, clients []Named
	for _, s := range c.sources {
		for _, r := range s.records {
			if r.owner.source != s {
				continue // it is told of where it was first
			}
			identity := r.identity.Load()
			found := Named{Identity: identity, Scheme: r.scheme, Source: s.name, Where: r.owner.where}
			switch {
			case r.user == name && name != "":
				users = append(users, found)
			case identity.Client == name || identity.Tenant+"/"+identity.Client == name:
				clients = append(clients, found)
			}
		}
	}
	all := users
	if len(all) == 0 {
		all = clients
	}
	slices.SortFunc(all, func(a, b Named) int { return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Where, b.Where)) })
	return all
}
