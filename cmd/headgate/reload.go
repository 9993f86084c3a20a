package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/inbound"
)

// firstAnswers is how long a new generation waits for DNS to answer for names that the one before did not know, so that
// no request meets an upstream without hosts only because it was asked about a moment ago.
const firstAnswers = 2 * time.Second

// errStopping is the error of a change that comes, or is not done yet, when the program ends.
var errStopping = errors.New("headgate is stopping and loads nothing any more")

// Reload loads the configuration again and puts it in place of the one in use, without a request failing. When anything
// is wrong with it, nothing changes. It returns every error, as check prints them; none when the new one is in use.
func (a *App) Reload() []string {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.changeable.Err() != nil {
		return problemsOf(errStopping)
	}
	a.manager.Reloading()
	a.letRest()
	a.refused = nil
	var err error
	a.slow.Load(func() { err = a.loadAndChange() })
	if errors.Is(err, errStopping) {
		a.log.Warn("reload given up", "file", a.options.ConfigFile, "error", err)
		return problemsOf(err)
	}
	defer func() { a.manager.Ready(a.statusLine()) }()
	if err == nil {
		return nil
	}
	problems := problemsOf(err)
	a.refused = problems
	for _, problem := range problems {
		a.log.Log(context.Background(), levelOf(problem), "configuration not reloaded, the one in use stays", "file", a.options.ConfigFile, "problem", problem)
	}
	a.lastReload.Store(&admin.Reload{Time: time.Now().UTC(), Problems: problems})
	a.doubtOwn(problems)
	return problems
}

func (a *App) loadAndChange() error {
	loaded, err := a.options.load()
	if err != nil {
		return err
	}
	return a.change(loaded)
}

// change puts a configuration in use: everything that can fail first, then one swap, then what is no longer needed
// goes. The caller holds changing, or is New.
func (a *App) change(loaded *loadedConfig) error {
	before := a.current.Load()
	next, err := assemble(loaded.config, a.parts, before)
	if err != nil {
		return err
	}
	next.text, next.digest, next.held = loaded.text, loaded.digest, loaded.held
	opened, err := a.bind(next, before)
	if err != nil {
		next.discard(before)
		return err
	}
	next.awaitHosts(a.changeable)
	if a.changeable.Err() != nil {
		err = errStopping
	} else {
		err = a.useTenants(next, before)
	}
	if err != nil {
		closeAll(opened)
		next.discard(before)
		return err
	}

	next.clients = a.parts.credentials.Clients()
	a.greet(before, next)
	a.trustProxies(loaded.config.Server)
	a.restartRequired(next)
	a.logs.apply(loaded.config.Log)
	a.parts.limits.others(loaded.config.Limits.TenantDefault)
	a.proxy.Use(next.snapshot)
	a.current.Store(next)
	a.exportDigest(before, next)
	if a.serving {
		a.serve(without(next.servers, before.servers), without(next.admin, before.admin))
	}
	if before != nil {
		a.retire(before, next)
	}
	a.readings = loaded.readings
	a.readings.Keep(filePaths(loaded.config.Files()))
	a.watchFiles()
	a.report(before, next, loaded.warnings)
	return nil
}

// bind opens the listeners that next has and before (nil: none) has not. It returns those.
func (a *App) bind(next, before *generation) ([]*listener, error) {
	var servers, admins []*listener
	if before != nil {
		servers, admins = before.servers, before.admin
	}
	forTenants, forOperators := serverPlaces(&next.config.Server), adminPlaces(next.config)
	if err := checkPassed(a.options.Sockets, slices.Concat(forTenants, forOperators)); err != nil {
		return nil, err
	}
	b := binder{passed: a.options.Sockets, own: slices.Concat(servers, admins), dress: a.dress}
	all, opened, err := b.listenAll(forTenants, servers)
	if err != nil {
		return nil, err
	}
	next.servers = all
	all, more, err := b.listenAll(forOperators, admins)
	if err != nil {
		closeAll(opened)
		return nil, err
	}
	next.admin = all
	return append(opened, more...), nil
}

// serverPlaces are the addresses for tenants.
func serverPlaces(s *config.Server) []place {
	var wanted []place
	for _, address := range s.Plain() {
		wanted = append(wanted, place{key: "server.listen", address: address})
	}
	key, secure := s.Secure()
	for _, address := range secure {
		wanted = append(wanted, place{key: key, address: address, secure: true})
	}
	return wanted
}

// adminPlaces is the address for operators, if there is one.
func adminPlaces(cfg *config.Config) []place {
	if cfg.Admin.Listen == "" {
		return nil
	}
	return []place{{key: adminListen, address: cfg.Admin.Listen}}
}

const adminListen = "admin.listen"

// dress puts PROXY headers and TLS around a socket for tenants.
func (a *App) dress(socket net.Listener, p place) net.Listener {
	if p.key == adminListen {
		return socket
	}
	if a.fixed.ProxyProtocol {
		trusted := func() []netip.Prefix { return *a.proxies.Load() }
		socket = inbound.WithProxyHeaders(socket, trusted, time.Duration(a.fixed.HeaderTimeout))
	}
	if p.secure {
		socket = a.tls.Listener(socket)
	}
	return socket
}

// trustProxies says who may send PROXY headers. A configuration that wants none any more gets its way only by a restart,
// and until then those who have to send them are the ones who had to.
func (a *App) trustProxies(s config.Server) {
	if s.ProxyProtocol || a.proxies.Load() == nil {
		trusted := prefixes(s.TrustedProxies)
		a.proxies.Store(&trusted)
	}
}

// retire closes what before had and next has not. Requests that began with before end with it: its pools lend their
// connections until they are given back.
func (a *App) retire(before, next *generation) {
	for _, l := range without(before.servers, next.servers) {
		a.proxy.Unserve(l.Listener)
		_ = l.Close() // where it was not served yet
	}
	closeAll(without(before.admin, next.admin))
	before.closePools()
	a.servers.Go(func() { before.closeTraces(next) })
}

// without returns those of list that are not in other.
func without(list, other []*listener) []*listener {
	var left []*listener
	for _, l := range list {
		if !slices.Contains(other, l) {
			left = append(left, l)
		}
	}
	return left
}

// awaitHosts waits a moment for the first answers of DNS, no longer than ctx.
func (g *generation) awaitHosts(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstAnswers)
	defer cancel()
	for _, pool := range g.pools {
		pool.Wait(ctx)
	}
}

// restartRequired notes what of the new configuration keeps its old value until a restart.
func (a *App) restartRequired(next *generation) {
	was, is := a.fixed, next.config.Server
	for _, setting := range []struct{ key, was, is string }{
		{"server.header_timeout", was.HeaderTimeout.String(), is.HeaderTimeout.String()},
		{"server.idle_timeout", was.IdleTimeout.String(), is.IdleTimeout.String()},
		{"server.max_header_size", was.MaxHeaderSize.String(), is.MaxHeaderSize.String()},
		{"server.proxy_protocol", strconv.FormatBool(was.ProxyProtocol), strconv.FormatBool(is.ProxyProtocol)},
	} {
		if setting.was != setting.is {
			next.restart = append(next.restart, setting.key)
			a.log.Warn("setting takes a restart and keeps its value until then",
				"key", setting.key, "value", setting.was, "wanted", setting.is)
		}
	}
}

// report says what is in use now, and what is other than in the generation before (nil: there was none).
func (a *App) report(before, next *generation, warnings []string) {
	changes := []string{}
	if before != nil {
		changes = next.config.Changes(before.config)
	}
	for _, warning := range warnings {
		a.log.Warn("configuration", "file", a.options.ConfigFile, "problem", warning)
	}
	wrong := slices.Concat(a.refused, lines(next.held))
	a.lastReload.Store(&admin.Reload{
		Time: next.loaded.UTC(), Successful: len(wrong) == 0, Problems: append(wrong, warnings...), Changes: changes,
	})
	a.log.Info("configuration in use", "file", a.options.ConfigFile, "sha256", next.digest,
		"listen", texts(plain(next.servers)), "listen_tls", texts(secure(next.servers)), "admin", texts(next.admin),
		"clients", next.clients, "routes", len(next.snapshot.Routes()), "upstreams", len(next.upstreams()), "changes", changes)
}

// plain are the listeners without TLS, and secure those with it.
func plain(listeners []*listener) []*listener {
	return slices.DeleteFunc(slices.Clone(listeners), func(l *listener) bool { return l.secure })
}

func secure(listeners []*listener) []*listener {
	return slices.DeleteFunc(slices.Clone(listeners), func(l *listener) bool { return !l.secure })
}

// texts are the addresses bound, as logs and /status show them.
func texts(listeners []*listener) []string {
	found := make([]string, 0, len(listeners))
	for _, addr := range addrs(listeners) {
		if addr.Network() == "unix" {
			found = append(found, "unix:"+addr.String())
			continue
		}
		found = append(found, addr.String())
	}
	return found
}

// upstreams are the pools of the generation by the name of their upstream.
func (g *generation) upstreams() map[string]balancer.Upstream {
	found := make(map[string]balancer.Upstream)
	for key, pool := range g.pools {
		found[key.upstream] = append(found[key.upstream], pool)
	}
	return found
}
