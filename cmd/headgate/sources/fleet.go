package sources

import (
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// useShared puts the etcd of a configuration in the place of that of another. What was in force stays until the other one
// has answered. The caller holds mu.
func (s *Sources) useShared(cfg *config.Config) {
	was := s.shared
	switch {
	case !cfg.Etcd.Enabled():
		s.dropShared()
	case was == nil:
		s.options.Cache.Expect(Etcd)
		s.shared = newShared(s, cfg, newRoster(s.options, cfg.SharedTenants()))
		s.shared.start(nil)
	case cfg.Etcd.SamePlace(&was.config):
		was.use(cfg)
	default:
		was.leave()
		was.roster.move(cfg.SharedTenants(), time.Now())
		s.shared = newShared(s, cfg, was.roster)
		s.shared.inStep = was.inStep
		s.shared.start(was.ended)
	}
}

// dropShared takes all out that etcd had. The caller holds mu.
func (s *Sources) dropShared() {
	if s.shared == nil {
		return
	}
	s.shared.leave()
	s.shared = nil
	s.skipped.Store(0)
	s.drop(Etcd)
	if err := s.options.Limits(Etcd, nil); err != nil {
		s.options.Log.Error("limits of tenants from etcd are still in force", "problem", err)
	}
}

// awaitShared waits a moment for etcd to answer, so that a gateway that starts knows its tenants.
func (s *Sources) awaitShared() {
	s.mu.Lock()
	e := s.shared
	s.mu.Unlock()
	if e == nil {
		return
	}
	patience := time.NewTimer(firstWait)
	defer patience.Stop()
	select {
	case <-e.first:
	case <-patience.C:
	}
}

// Skipped is how many values of etcd cannot be used.
func (s *Sources) Skipped() int { return int(s.skipped.Load()) }

// FleetOptions puts [etcd] in the terms of package fleet.
func FleetOptions(e *config.Etcd) fleet.Options {
	o := fleet.Options{Prefix: e.Prefix, Username: e.Username, Password: string(e.Password()), TLS: e.TLSConfig()}
	for _, endpoint := range e.Endpoints {
		o.Endpoints = append(o.Endpoints, string(endpoint))
	}
	return o
}
