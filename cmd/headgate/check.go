package main

import (
	"errors"
	"flag"
	"os"

	"github.com/headgate/headgate/cmd/headgate/config"
)

func checkCommand() command {
	return command{
		name:    "check",
		usage:   "--config FILE [--strict] [--no-files]",
		summary: "load and validate a configuration, print every error and warning, then count clients, routes and upstreams",
		define: func(set *flag.FlagSet) action {
			file := configFlag(set)
			strict := set.Bool("strict", false, "exit 1 on warnings too")
			noFiles := set.Bool("no-files", false, "do not read the files that the configuration names, nor look at sockets")
			return func(c console, args []string) error {
				if err := errors.Join(noArguments(args), needConfig(*file)); err != nil {
					return err
				}
				return check(c, *file, *strict, config.Options{NoFiles: *noFiles, Env: os.Getenv})
			}
		},
	}
}

func check(c console, file string, strict bool, o config.Options) error {
	loaded, err := load(file, o)
	if err != nil {
		for _, problem := range problemsOf(err) {
			c.printf("%s\n", problem)
		}
		var invalid *invalidConfig
		if errors.As(err, &invalid) {
			err = errors.New(invalid.summary())
		}
		return err
	}
	for _, warning := range loaded.warnings {
		c.printf("%s\n", warning)
	}
	cfg := loaded.config
	for _, d := range cfg.Derived() {
		c.printf("auto: %s = %s\n", d.Key, d.Value)
	}
	c.printf("%s: %s, %s, %s\n", file,
		count(countClients(cfg), "client"), count(len(cfg.RouteTable()), "route"), count(len(cfg.Upstreams), "upstream"))
	if strict && len(loaded.warnings) > 0 {
		return errors.New(file + ": " + count(len(loaded.warnings), "warning"))
	}
	return nil
}
