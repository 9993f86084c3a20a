package sources

import (
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// useShared puts the etcd of a configuration in the place of that of another. The caller holds mu.
func (s *Sources) useShared(cfg *config.Config) {
	now := &cfg.Etcd
	if s.shared != nil {
		was := &s.shared.config
		if now.Same(was) {
			s.shared.use(cfg)
			return
		}
		s.shared.stop()
		s.shared = nil
		if !now.Enabled() {
			s.drop(Etcd)
			if err := s.options.Limits(Etcd, nil); err != nil {
				s.options.Log.Error("limits of tenants from etcd are still in force", "problem", err)
			}
		}
	}
	if !now.Enabled() {
		return
	}
	e, err := newShared(s, cfg)
	if err != nil {
		s.options.Cache.Failed(Etcd, err)
		s.options.Log.Error("source of credentials in error, what it held before stays", "source", Etcd, "problem", err)
		return
	}
	s.shared = e
	e.start()
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
func (s *Sources) Skipped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == nil {
		return 0
	}
	return len(s.shared.bad)
}

// FleetOptions puts [etcd] in the terms of package fleet.
func FleetOptions(e *config.Etcd) fleet.Options {
	o := fleet.Options{Prefix: e.Prefix, Username: e.Username, Password: string(e.Password()), TLS: e.TLSConfig()}
	for _, endpoint := range e.Endpoints {
		o.Endpoints = append(o.Endpoints, string(endpoint))
	}
	return o
}
