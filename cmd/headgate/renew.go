package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/inbound"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// renewal is what keeps files that have changed from being used; nothing, when those in use are what is there. It is
// never changed.
type renewal struct {
	server string   // of [server.tls]
	others []string // of all other files, one line for each problem
	tls    bool     // one of others is about TLS
}

// problem is the first there is, "" for none.
func (r *renewal) problem() string {
	if r.server != "" || len(r.others) == 0 {
		return r.server
	}
	return r.others[0]
}

// watchFiles makes the watcher look after the files that the configuration in use names; it starts one at the first need.
// The caller holds changing.
func (a *App) watchFiles() {
	cfg := a.current.Load().config
	var paths []string
	for _, f := range cfg.Files() {
		paths = append(paths, f.Path)
	}
	if cfg.Server.TLS.Enabled() {
		p := cfg.Server.TLS.Paths()
		paths = append(paths, p.Cert, p.Key)
		if p.ClientCA != "" {
			paths = append(paths, p.ClientCA)
		}
	}
	if a.watcher == nil {
		if len(paths) == 0 || !a.serving || a.closed {
			return
		}
		a.watcher = watch.New(a.filesChanged, a.log)
	}
	a.watcher.Set(paths)
	if len(paths) > 0 {
		a.watcher.Doubt() // whatever changed between the reading and now
	}
}

// filesChanged is told that a file which the configuration names may be another one now.
func (a *App) filesChanged() {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.closed {
		return
	}
	g := a.current.Load()
	a.renewCertificate(g.config)
	changed := g.config.ChangedFiles()
	switch r := a.renewal.Load(); {
	case len(changed) > 0 && !a.draining.Load():
		a.reassemble(g, changed)
	case len(changed) == 0 && len(r.others) > 0:
		a.log.Info("the files that the configuration names are again what is in use")
		a.renewal.Store(&renewal{server: r.server})
		if a.outdated {
			return // still, by the configuration file itself
		}
		a.lastReload.Store(&admin.Reload{Time: time.Now().UTC(), Successful: true})
		if err := a.replaceOwn(g.config.Entries()); err != nil {
			a.log.Error("credentials of the configuration file are still in doubt", "error", err)
		}
	}
}

// renewCertificate takes over a new certificate of the listeners. Connections that are open notice nothing.
func (a *App) renewCertificate(cfg *config.Config) {
	if !cfg.Server.TLS.Enabled() {
		return
	}
	next := *a.renewal.Load()
	renewed, err := a.tls.Renew(tlsFiles(cfg))
	switch {
	case err != nil:
		next.server = "server.tls: " + err.Error()
		a.log.Error("certificate not renewed, the one in use stays", "error", err, "expires", a.tls.Current().Expires().UTC())
	case renewed:
		next.server = ""
		a.log.Info("certificate renewed", "file", cfg.Server.TLS.Paths().Cert, "expires", a.tls.Current().Expires().UTC())
	default:
		return
	}
	a.renewal.Store(&next)
}

// reassemble puts the configuration in use in place once more, with what its files hold now. The configuration file is
// not read for that: what has been written there meanwhile waits for its own reload.
func (a *App) reassemble(g *generation, changed []string) {
	a.log.Info("files that the configuration names have changed", "files", changed)
	loaded, err := parse(a.options.ConfigFile, g.text, a.loading())
	if err == nil {
		err = a.change(loaded)
	}
	if err == nil || errors.Is(err, errStopping) {
		return
	}
	problems := problemsOf(err)
	for _, problem := range problems {
		a.log.Error("changed files not used, what they held before stays", "problem", problem)
	}
	next := renewal{server: a.renewal.Load().server, others: problems}
	if invalid := (*invalidConfig)(nil); errors.As(err, &invalid) {
		next.tls = slices.ContainsFunc(invalid.problems, func(p config.Problem) bool {
			return p.Level == config.Error && strings.HasPrefix(p.Key, "upstreams.")
		})
	}
	a.renewal.Store(&next)
	a.lastReload.Store(&admin.Reload{Time: time.Now().UTC(), Problems: problems})
	a.doubtOwn(problems)
}

// readCertificate reads what [server.tls] names; nil without TLS.
func readCertificate(cfg *config.Config) (*inbound.Certificate, error) {
	if !cfg.Server.TLS.Enabled() {
		return nil, nil
	}
	c, err := inbound.Read(tlsFiles(cfg))
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	return c, nil
}

func tlsFiles(cfg *config.Config) inbound.Files {
	t := &cfg.Server.TLS
	p := t.Paths()
	return inbound.Files{
		Cert: p.Cert, Key: p.Key, ClientCA: p.ClientCA, ClientAuth: t.ClientAuthType(), MinVersion: t.Version(),
	}
}

// certificates are those that we show to others, with when they end.
func (a *App) certificates() []admin.Certificate {
	cfg, problems := a.current.Load().config, a.renewal.Load()
	list := []admin.Certificate{}
	if cfg.Server.TLS.Enabled() {
		list = append(list, admin.Certificate{Key: "server.tls", Expires: a.tls.Current().Expires().UTC(), Problem: problems.server})
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Upstreams)) {
		shown := cfg.Upstreams[name].TLSConfig()
		if shown == nil || len(shown.Certificates) == 0 {
			continue
		}
		c := admin.Certificate{Key: "upstreams." + name + ".tls", Expires: shown.Certificates[0].Leaf.NotAfter.UTC()}
		for _, problem := range problems.others {
			if strings.Contains(problem, c.Key) {
				c.Problem = problem
			}
		}
		list = append(list, c)
	}
	return list
}

// writeCertificates exports when certificates end, and whether what was last found in their files could be used.
func (a *App) writeCertificates(w io.Writer) {
	for _, c := range a.certificates() {
		fmt.Fprintf(w, "headgate_certificate_expiry_timestamp_seconds{certificate=%q} %d\n", c.Key, c.Expires.Unix())
	}
	r := a.renewal.Load()
	fmt.Fprintf(w, "headgate_certificate_last_reload_successful %v\n", oneIf(r.server == "" && !r.tls))
}
