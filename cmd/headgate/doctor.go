package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/doctor"
)

func doctorCommand() command {
	return command{
		name:    "doctor",
		usage:   "[--config FILE]",
		summary: "look at this machine, and with a configuration at its certificates, names and upstreams, and print what to change",
		define: func(set *flag.FlagSet) action {
			file := set.String("config", "", "the configuration `FILE`; without it only the machine is looked at")
			return func(c console, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return examine(c, *file, thisDoctor())
			}
		},
	}
}

// thisDoctor looks at the machine that this process runs on.
func thisDoctor() doctor.Machine {
	return doctor.Machine{Proc: "/proc", OpenFiles: openFileLimit(), Synchronised: doctor.ClockSynchronised}
}

// examine prints one line for everything that was looked at. The error says that something keeps headgate from its work.
func examine(c console, file string, machine doctor.Machine) error {
	var findings []doctor.Finding
	if file == "" {
		findings = machine.Look(doctor.Load{})
	} else {
		loaded, err := load(file, config.Options{Env: os.Getenv})
		if err != nil {
			for _, problem := range problemsOf(err) {
				c.printf("%s\n", problem)
			}
			return errors.New(file + " cannot be used; correct it first")
		}
		around, err := surroundings(loaded.config, time.Now())
		if err != nil {
			return err
		}
		findings = append(machine.Look(loadOf(loaded.config)), around.Look(context.Background())...)
	}
	wrong := 0
	for _, f := range findings {
		c.printf("%s\n", f)
		if f.Level == doctor.Error {
			wrong++
		}
	}
	if wrong > 0 {
		return errors.New(count(wrong, "error"))
	}
	return nil
}

// loadOf is what a configuration may ask of the machine.
func loadOf(cfg *config.Config) doctor.Load {
	l := doctor.Load{Clients: cfg.Server.MaxConnections.Value, FixedClients: !cfg.Server.MaxConnections.Auto}
	for _, u := range cfg.Upstreams {
		l.HostsMost = max(l.HostsMost, u.MaxConnections)
	}
	_, secure := cfg.Server.Secure()
	for _, address := range slices.Concat(cfg.Server.Plain(), secure, []config.Address{cfg.Admin.Listen}) {
		if network, where := address.Split(); network == "tcp" {
			if _, port, err := net.SplitHostPort(where); err == nil {
				if n, err := strconv.Atoi(port); err == nil && n > 0 {
					l.Ports = append(l.Ports, n)
				}
			}
		}
	}
	return l
}

// surroundings are the certificates, names and hosts of a configuration.
func surroundings(cfg *config.Config, now time.Time) (doctor.Surroundings, error) {
	s := doctor.Surroundings{Resolver: balancer.NewResolver(nameservers(cfg)), Now: now}
	if cfg.Server.TLS.Enabled() {
		s.Certificates = append(s.Certificates,
			doctor.Certificate{Key: "server.tls", Expires: cfg.Server.TLS.TLSConfig().Certificates[0].Leaf.NotAfter})
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Upstreams)) {
		u := cfg.Upstreams[name]
		s.Upstreams = append(s.Upstreams, doctor.Upstream{
			Name: name, Targets: u.Targets(), TLS: u.TLSConfig(), Host: u.HostHeader(), Path: healthPath(cfg, u),
			Connect: time.Duration(u.ConnectTimeout),
		})
		if shown := u.TLSConfig(); shown != nil && len(shown.Certificates) > 0 {
			s.Certificates = append(s.Certificates,
				doctor.Certificate{Key: "upstreams." + name + ".tls", Expires: shown.Certificates[0].Leaf.NotAfter})
		}
	}
	return s, nil
}

// healthPath is what an upstream is asked for: what its probes ask for, else what every component of Cortex answers.
func healthPath(cfg *config.Config, u *config.Upstream) string {
	if u.Health.Path != "" {
		return u.Health.Path
	}
	return cfg.Cortex.HTTPPathPrefix + "/ready"
}

// logMachine writes what of the machine will be in the way into the log, once, and what could not be looked at.
func (a *App) logMachine(machine doctor.Machine) {
	for _, f := range machine.Look(loadOf(a.current.Load().config)) {
		if f.Level < doctor.Unknown {
			continue
		}
		level := map[doctor.Level]slog.Level{
			doctor.Unknown: slog.LevelInfo, doctor.Warning: slog.LevelWarn, doctor.Error: slog.LevelError,
		}[f.Level]
		a.log.Log(context.Background(), level, "this machine", "what", f.What, "finding", f.Text)
	}
}
