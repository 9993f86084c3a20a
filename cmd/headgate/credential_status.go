package main

import (
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/admin"
)

// mostCredentialsShown bounds what /status lists of the credentials; the others are counted.
const mostCredentialsShown = 200

// listingAge is how old a list of credentials may get before it is made anew. With a hundred thousand of them that takes
// a while, and a page that is open somewhere asks every few seconds.
const listingAge = 5 * time.Second

// listing keeps the list of credentials for a moment.
type listing struct {
	mu   sync.Mutex
	made time.Time         // guarded by mu
	list admin.Credentials // guarded by mu; not changed once it is made
}

// credentials lists them as they were a moment ago at most.
func (l *listing) credentials(cache *authcache.Cache, now time.Time) admin.Credentials {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made.IsZero() || now.Sub(l.made) >= listingAge {
		l.list, l.made = credentialStatus(cache.Credentials(), now), now
	}
	return l.list
}

// credentialStatus puts those that end soon first, and then those that were used last.
func credentialStatus(all []authcache.CredentialStatus, now time.Time) admin.Credentials {
	endsSoon := func(s *authcache.CredentialStatus) bool {
		left, ends := s.Left(now)
		return ends && left < admin.Soon
	}
	slices.SortStableFunc(all, func(a, b authcache.CredentialStatus) int {
		soonA, soonB := endsSoon(&a), endsSoon(&b)
		switch {
		case soonA && soonB:
			return a.Expires.Compare(b.Expires)
		case soonA:
			return -1
		case soonB:
			return 1
		}
		return b.Used.Compare(a.Used)
	})
	list := admin.Credentials{Total: len(all), Shown: []admin.Credential{}}
	for _, s := range all[:min(len(all), mostCredentialsShown)] {
		list.Shown = append(list.Shown, admin.Credential{
			Tenant: s.Tenant, Client: s.Client, Method: s.Scheme.String(), Source: s.Source, Where: s.Where,
			LastUsed: moment(s.Used), NotBefore: moment(s.NotBefore), Expires: moment(s.Expires), Last: s.Last,
		})
	}
	return list
}

// moment is a time for JSON, nil when there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// sourceStatus tells of every place that credentials come from.
func sourceStatus(cache *authcache.Cache) []admin.Source {
	list := []admin.Source{}
	for _, s := range cache.Sources() {
		list = append(list, admin.Source{
			Name: s.Name, Credentials: s.Credentials, Read: s.Read, LastRead: moment(s.At), Problem: sourceProblem(s),
			Held: append([]string{}, s.Held...),
		})
	}
	return list
}

// keyStatus tells of every key that tokens are verified with.
func keyStatus(cache *authcache.Cache) []admin.Key {
	list := []admin.Key{}
	for _, k := range cache.Keys() {
		list = append(list, admin.Key{Name: k.Name, Algorithms: append([]string{}, k.Algorithms...), LastUsed: moment(k.Used)})
	}
	return list
}
