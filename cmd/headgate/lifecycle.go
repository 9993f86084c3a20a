package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// Signals are those of the process that Run listens to.
type Signals struct {
	Reload <-chan os.Signal // SIGHUP
	End    <-chan os.Signal // SIGTERM and SIGINT
}

// Run serves until a signal or the end of ctx, and closes the App. SIGHUP reloads. SIGTERM and SIGINT drain, whatever a
// reload is waiting for: a second one skips the delay, a third one the wait for requests. The end of ctx skips both. The
// error is that of a listener which broke; an orderly end has none.
func (a *App) Run(ctx context.Context, signals Signals) error {
	defer a.Close()
	a.begin()
	var reloads sync.WaitGroup
	reloads.Go(func() { a.reloadOn(signals.Reload) })
	defer reloads.Wait() // before Close, which keeps anything from changing until all is done
	defer a.freeze()
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	case s := <-signals.End:
		a.drain(ctx, s, signals.End)
		return nil
	}
}

// reloadOn reloads on each signal until nothing changes any more.
func (a *App) reloadOn(signals <-chan os.Signal) {
	for {
		select {
		case <-a.changeable.Done():
			return
		case <-signals:
			a.Reload()
		}
	}
}

// begin accepts on the listeners that New bound.
func (a *App) begin() {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.closed {
		return
	}
	a.serving = true
	a.serve(a.current.Load().servers, a.current.Load().admin)
	a.watchFiles()
	a.servers.Go(a.keepPace)
	a.sources.Watch()
	a.servers.Go(a.logColdStart)
	a.manager.Ready(a.statusLine())
	if a.options.Watchdog > 0 {
		a.servers.Go(func() { a.manager.Watch(a.ending, a.options.Watchdog, a.alive) })
	}
}

// drain lets balancers see that this gateway goes away while it still serves, then stops accepting and waits for the
// requests under way.
func (a *App) drain(ctx context.Context, why os.Signal, hurry <-chan os.Signal) {
	server := a.startDraining()
	a.log.Info("draining", "signal", why.String(), "in_flight", a.proxy.InFlight(),
		"drain_delay", server.DrainDelay.String(), "drain_timeout", server.DrainTimeout.Value.String())
	a.tellStopping(server)

	delay := time.NewTimer(time.Duration(server.DrainDelay))
	defer delay.Stop()
	wait(ctx, delay.C, hurry)

	a.manager.Status("draining: accepting no more, waiting for " + count(int(a.proxy.InFlight()), "request"))
	limit, cut := context.WithCancel(ctx)
	defer cut()
	if server.DrainTimeout.Value > 0 {
		limit, cut = context.WithTimeout(limit, server.DrainTimeout.Value)
		defer cut()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		waiting := a.proxy.InFlight()
		if err := a.proxy.Shutdown(limit); err != nil {
			a.log.Warn("requests were cut", "in_flight", waiting, "error", err)
		}
	}()
	wait(ctx, ended, hurry)
	cut()
	<-ended
	a.log.Info("stopped")
}

// startDraining makes health and readiness fail. From here on nothing is reloaded; a reload under way is given up.
func (a *App) startDraining() config.Server {
	a.draining.Store(true)
	a.freeze()
	a.proxy.Drain()
	return a.current.Load().config.Server
}

// wait waits for done, the end of ctx, or a signal that asks to hurry.
func wait[T any](ctx context.Context, done <-chan T, hurry <-chan os.Signal) {
	select {
	case <-done:
	case <-ctx.Done():
	case <-hurry:
	}
}
