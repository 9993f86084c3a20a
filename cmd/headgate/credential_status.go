package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/admin"
)

// mostCredentialsShown bounds what /status lists of the credentials unless it is asked for them; the others are counted.
const mostCredentialsShown = 200

// credentialsOnPage is how many credentials one answer has to who asks for them.
const credentialsOnPage = 1000

// listingAge is how old a list of credentials may get before it is made anew. With a hundred thousand of them that takes
// a while, and a page that is open somewhere asks every few seconds.
const listingAge = 5 * time.Second

// listing keeps the list of credentials for a moment.
type listing struct {
	mu   sync.Mutex
	made time.Time         // guarded by mu
	list admin.Credentials // guarded by mu; not changed once it is made
}

// credentials lists those of most interest, as they were a moment ago at most.
func (l *listing) credentials(cache *authcache.Cache, now time.Time) admin.Credentials {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made.IsZero() || now.Sub(l.made) >= listingAge {
		all := cache.Credentials()
		byInterest(all, now)
		l.list, l.made = credentialStatus(all[:min(len(all), mostCredentialsShown)], len(all)), now
	}
	return l.list
}

// credentialStatus is what /status shows of these credentials, which are some of so many.
func credentialStatus(some []authcache.CredentialStatus, total int) admin.Credentials {
	list := admin.Credentials{Total: total, Shown: make([]admin.Credential, 0, len(some))}
	for _, s := range some {
		shown := admin.Credential{
			Tenant: s.Tenant, Client: s.Client, Method: s.Scheme.String(), Source: s.Source, Where: s.Where,
			LastUsed: moment(s.Used), NotBefore: moment(s.NotBefore), Expires: moment(s.Expires), Last: s.Last,
		}
		if s.Until.After(s.Expires) {
			shown.Until = moment(s.Until)
		}
		list.Shown = append(list.Shown, shown)
	}
	return list
}

// selectedCredentials are those that somebody asks for, a page of them, in the order of their names.
func selectedCredentials(all []authcache.CredentialStatus, q admin.CredentialQuery) admin.Credentials {
	matching := slices.DeleteFunc(slices.Clone(all), func(c authcache.CredentialStatus) bool {
		return !slices.ContainsFunc([]string{c.Tenant, c.Client, c.Source, c.Where}, func(s string) bool { return strings.Contains(s, q.Text) })
	})
	pages := slices.Collect(slices.Chunk(matching, credentialsOnPage))
	var page []authcache.CredentialStatus
	if q.Page <= len(pages) {
		page = pages[q.Page-1]
	}
	list := credentialStatus(page, len(all))
	list.Matching = len(matching)
	if q.Page < len(pages) {
		list.Next = "/status?" + url.Values{"credentials": {q.Text}, "page": {strconv.Itoa(q.Page + 1)}}.Encode()
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
			Held: append([]string{}, s.Held...), Own: s.Name == configurationFile,
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
