package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/inbound"
	"github.com/headgate/headgate/cmd/headgate/pace"
	"github.com/headgate/headgate/cmd/headgate/slowlane"
	"github.com/headgate/headgate/cmd/headgate/sources"
	"github.com/headgate/headgate/cmd/headgate/systemd"
	"github.com/headgate/headgate/cmd/headgate/traces"
	"github.com/headgate/headgate/cmd/headgate/watch"
	"github.com/headgate/headgate/proxy"
)

// AppOptions is what an App needs from the outside.
type AppOptions struct {
	ConfigFile string
	Log        io.Writer                // gets one line for each record; to a systemd.Journal with its priority
	Env        func(name string) string // nil: no environment
	Memory     memoryLimit              // what limits follow from; without an origin it is looked for

	Sockets  []*systemd.Socket        // bound already, by the service manager
	Notify   func(state string) error // tells the service manager how the program is; nil: there is none
	Watchdog time.Duration            // how long the manager waits for a sign of life; 0: it waits for none
	Starting context.Context          // gives up a start that is under way when it ends; nil: nothing does
}

// loading is how configurations are loaded.
func (o AppOptions) loading() config.Options {
	return config.Options{Env: o.Env, Machine: thisMachine(o.Memory)}
}

// load reads the configuration, and notes what the files looked like that it names.
func (o AppOptions) load() (*loadedConfig, error) {
	readings, options := new(watch.Readings), o.loading()
	options.Reads, options.Failed = readings.Note, readings.Failed
	loaded, err := load(o.ConfigFile, options)
	if err != nil {
		return nil, err
	}
	loaded.readings = readings
	return loaded, nil
}

// App is the running program as a value: New binds its addresses, Run serves until it is told to stop.
type App struct {
	options AppOptions
	file    string // the configuration file, absolute
	build   build
	started time.Time
	logs    *logOutput
	log     *slog.Logger
	metrics *metrics.Set
	manager *systemd.Notifier
	parts   parts
	slow    *slowlane.Lane   // for what computes for long
	sources *sources.Sources // of credentials, beside the configuration file
	proxy   *proxy.Proxy
	admin   *http.Server
	fixed   config.Server                  // as at the start: what of it needs a restart keeps these values
	tls     inbound.TLS                    // of the addresses that have it
	proxies atomic.Pointer[[]netip.Prefix] // who may send PROXY headers

	current    atomic.Pointer[generation]
	lastReload atomic.Pointer[admin.Reload]
	draining   atomic.Bool
	recent     pace.Window[subject]
	listing    listing

	changing sync.Mutex      // held by whatever changes what is served: start, reload, drain, close
	serving  bool            // guarded by changing
	closed   bool            // guarded by changing
	refused  []string        // what was wrong with the last reload, so that what is in force is not what the file says; guarded by changing
	readings *watch.Readings // of the files that the configuration names; guarded by changing
	watcher  *watch.Watcher  // of the same; guarded by changing, nil when there are none
	failed   chan error
	servers  sync.WaitGroup
	ending   context.Context // ends with Close
	end      context.CancelFunc

	changeable context.Context // ends with the drain, or Close: nothing changes any more
	freeze     context.CancelFunc
}

// New loads the configuration and binds every address, but accepts nothing yet. The error names all that is wrong; it is
// errStopping when o.Starting ended meanwhile.
func New(o AppOptions) (*App, error) {
	started := time.Now()
	if o.Env == nil {
		o.Env = func(string) string { return "" }
	}
	if o.Memory.origin == "" {
		o.Memory = findMemoryLimit(o.Env)
	}
	loaded, err := o.load()
	if err != nil {
		return nil, err
	}
	file, err := filepath.Abs(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	ending, end := context.WithCancel(context.Background())
	changeable, freeze := context.WithCancel(ending)
	if o.Starting != nil {
		defer context.AfterFunc(o.Starting, freeze)()
	}
	set := metrics.NewSet()
	logs := newLogOutput(o.Log, set)
	shares, slow := proxy.NewShares(), new(slowlane.Lane)
	a := &App{
		options: o,
		file:    file,
		build:   thisBuild(),
		started: started,
		logs:    logs,
		log:     logs.logger,
		metrics: set,
		slow:    slow,
		manager: systemd.NewNotifier(o.Notify, logs.logger),
		fixed:   loaded.config.Server,
		failed:  make(chan error, 1),
		ending:  ending,
		end:     end,

		changeable: changeable,
		freeze:     freeze,

		parts: parts{
			credentials: authcache.New(authcache.Options{Metrics: set, Slowly: slow.Run}),
			balancing:   balancer.NewMetrics(set),
			spans:       traces.NewCounters(set),
			limits:      newTenantLimits(shares),
			log:         logs.logger,
		},
		proxy: proxy.New(proxy.Options{
			HeaderTimeout: time.Duration(loaded.config.Server.HeaderTimeout),
			IdleTimeout:   time.Duration(loaded.config.Server.IdleTimeout),
			MaxHeaderSize: int(loaded.config.Server.MaxHeaderSize),
			MemoryLimit:   o.Memory.bytes,
			Pipes:         thisMachine(o.Memory).Pipes(),
			Shares:        shares,
			Metrics:       set,
			Log:           logs.events,
			Requests:      logs.requests,
			Changes:       logs.changes,
		}),
	}
	a.sources = sources.New(sources.Options{
		Cache: a.parts.credentials, Log: logs.logger, Env: o.Env,
		Changed: logs.credentialsChanged, Limits: a.parts.limits.replace, AmendLimits: a.parts.limits.amend,
		Slowly: slow.Run,
	})
	logs.apply(loaded.config.Log)
	a.log.Info("memory limit", "bytes", o.Memory.bytes, "origin", o.Memory.origin)
	a.admin = admin.NewServer(operator{a}, a.log)
	a.registerMetrics()
	if err := a.change(loaded); err != nil {
		a.sources.Close()
		a.parts.credentials.Close()
		end()
		logs.close()
		return nil, err
	}
	return a, nil
}

// Addrs are the addresses bound for tenants, a port 0 already resolved, in the order of the configuration: those without
// TLS, then those with it.
func (a *App) Addrs() []net.Addr { return addrs(a.current.Load().servers) }

// AdminAddr is the address bound for operators, nil when there is none.
func (a *App) AdminAddr() net.Addr {
	for _, addr := range addrs(a.current.Load().admin) {
		return addr
	}
	return nil
}

func addrs(listeners []*listener) []net.Addr {
	found := make([]net.Addr, 0, len(listeners))
	for _, l := range listeners {
		found = append(found, l.Addr())
	}
	return found
}

// serve accepts on listeners until they are closed. The caller holds changing.
func (a *App) serve(servers, admins []*listener) {
	for _, l := range servers {
		a.servers.Go(func() {
			if err := a.proxy.Serve(l.Listener); err != nil {
				a.fail(err)
			}
		})
	}
	for _, l := range admins {
		// Serve always returns an error: that of the listener being closed by a reload, or by the end of the program.
		a.servers.Go(func() { _ = a.admin.Serve(l.Listener) })
	}
}

// fail ends Run. Only the first error counts.
func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

// adminGoodbye is how long an answer of the admin listener that is under way may still take at the end.
const adminGoodbye = time.Second

// Close ends everything at once, requests under way included, and waits for all that the App started. Closing twice
// does nothing more.
func (a *App) Close() {
	a.freeze()
	watcher, first := a.startClosing()
	if !first {
		return
	}
	a.end()
	if watcher != nil {
		watcher.Close()
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = a.proxy.Shutdown(now) // the error says that requests were cut, which is what Close is for
	soon, cancel := context.WithTimeout(context.Background(), adminGoodbye)
	defer cancel()
	if a.admin.Shutdown(soon) != nil {
		_ = a.admin.Close() // a profile that goes on collecting; its connection ends here
	}
	last := a.current.Load()
	closeAll(last.servers)
	closeAll(last.admin)
	a.servers.Wait()
	last.closePools()
	last.closeTraces(nil)
	a.sources.Close()
	a.parts.credentials.Close()
	a.logs.close()
}

// startClosing keeps anything from changing any more, and reports whether Close was not called before. The watcher is
// the caller's: it ends only when whoever it told of a change is done, who wants to change something as well.
func (a *App) startClosing() (w *watch.Watcher, first bool) {
	a.changing.Lock()
	defer a.changing.Unlock()
	w, a.watcher = a.watcher, nil
	first, a.closed = !a.closed, true
	return w, first
}
