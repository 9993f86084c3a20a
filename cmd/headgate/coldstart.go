package main

import (
	"fmt"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// longColdStart is from where on a cold start is worth a recommendation.
const longColdStart = 10 * time.Second

// coldStart is how long it takes after a restart until every credential with a slow hash was checked once, when all their
// clients come at the same time. The checks alone are reckoned: what the clients push meanwhile takes its time as well, about
// half as much again where each of 10,000 pushes once a second to one core (bench/README.md).
type coldStart struct {
	credentials int
	took        time.Duration
}

// estimateColdStart measures a little and reckons the rest. It takes some hundredths of a second where there is anything to
// measure.
func estimateColdStart(cache *authcache.Cache) coldStart {
	work, credentials := cache.SlowWork()
	if credentials == 0 {
		return coldStart{}
	}
	burner := verify.NewBurner()
	each := func(one verify.Work) time.Duration {
		const password = "as long as one"
		begin := time.Now()
		burner.Burn(one, []byte(password))
		return time.Since(begin)
	}
	var all float64 // seconds of one core
	const rounds, digests = 512, 16
	if work.Rounds > 0 {
		all += each(verify.Work{Rounds: rounds}).Seconds() / rounds * float64(work.Rounds)
	}
	if work.Digests > 0 {
		all += each(verify.Work{Digests: digests}).Seconds() / digests * float64(work.Digests)
	}
	const most = 100 * 365 * 24 * time.Hour
	seconds := min(all/float64(authcache.Workers()), most.Seconds())
	return coldStart{credentials, time.Duration(seconds * float64(time.Second))}
}

// String is the estimate in words, "" where there is nothing to say.
func (s coldStart) String() string {
	if s.credentials == 0 {
		return ""
	}
	took := "about " + s.took.Round(100*time.Millisecond).String()
	if s.took < 100*time.Millisecond {
		took = "less than 100ms"
	}
	noun, verb := "credentials", "have"
	if s.credentials == 1 {
		noun, verb = "credential", "has"
	}
	text := fmt.Sprintf("%d %s %s a slow hash; after a restart it takes %s on this machine to check all of them", s.credentials, noun, verb, took)
	if s.long() {
		text += ", longer while their clients push, and those get 503 until then; want password_sha256, which headgate new-password prints"
	}
	return text
}

func (s coldStart) long() bool { return s.took > longColdStart }

// logColdStart says how long a cold start takes.
func (a *App) logColdStart() {
	s := estimateColdStart(a.parts.credentials)
	seconds := s.took.Round(time.Millisecond).Seconds()
	switch {
	case s.long():
		a.log.Warn("cold start", "credentials", s.credentials, "seconds", seconds, "problem", s.String())
	case s.credentials > 0:
		a.log.Info("cold start", "credentials", s.credentials, "seconds", seconds)
	}
}
