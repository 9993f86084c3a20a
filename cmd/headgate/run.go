package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// configFlag defines --config for a command that needs it.
func configFlag(set *flag.FlagSet) *string {
	return set.String("config", "", "the configuration `FILE` (required)")
}

// needConfig is the error of a command line without --config.
func needConfig(file string) error {
	if file == "" {
		return usageError("--config FILE is missing")
	}
	return nil
}

func runCommand() command {
	return command{
		name:    "run",
		usage:   "--config FILE",
		summary: "run the gateway; SIGHUP reloads, SIGTERM and SIGINT drain, a second one skips the delay",
		define: func(set *flag.FlagSet) action {
			file := configFlag(set)
			return func(c console, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if err := needConfig(*file); err != nil {
					return err
				}
				return runGateway(c, *file)
			}
		},
	}
}

// runGateway runs an App on the signals of this process.
func runGateway(c console, file string) error {
	signals, stop := notifySignals()
	defer stop()
	o := AppOptions{ConfigFile: file, Log: c.err, Env: os.Getenv, Memory: findMemoryLimit(os.Getenv)}
	o.Memory.apply(os.Getenv)
	if err := o.meetManager(); err != nil {
		return err
	}
	app, err := newApp(o)
	switch {
	case errors.Is(err, errStopping):
		return nil // as it was told to
	case err != nil:
		return err
	}
	app.logMachine(thisDoctor())
	return app.Run(context.Background(), signals)
}

// newApp gives up as soon as a signal to end comes, which Run would serve otherwise.
func newApp(o AppOptions) (*App, error) {
	starting, started := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer started()
	o.Starting = starting
	return New(o)
}

// meetManager takes over what a service manager passed, if one started this process.
func (o *AppOptions) meetManager() (err error) {
	if o.Sockets, err = systemd.Sockets(); err != nil {
		return err
	}
	if o.Watchdog, err = systemd.WatchdogTime(); err != nil {
		return err
	}
	o.Notify = systemd.Send
	return nil
}

// notifySignals collects the signals that Run knows. Those to end have a channel to themselves, with room for all three
// that mean something, so that none is lost behind any number of SIGHUPs, of which one that waits stands for all.
func notifySignals() (Signals, func()) {
	reload, end := make(chan os.Signal, 1), make(chan os.Signal, 3)
	signal.Notify(reload, syscall.SIGHUP)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	return Signals{Reload: reload, End: end}, func() {
		signal.Stop(reload)
		signal.Stop(end)
	}
}
