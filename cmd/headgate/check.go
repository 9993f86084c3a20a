package main

import (
	"errors"
	"flag"
	"os"

	"github.com/headgate/headgate/authcache"
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
				account, err := becomeService(*file)
				if err != nil {
					return err
				}
				if account != "" {
					c.printf("user: %s, as the service\n", account)
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
	cfg := loaded.config
	problems, clients := loaded.warnings, countOwnClients(cfg)
	var cold coldStart
	if o.NoFiles {
		problems = append(problems, checkOwnCredentials(cfg)...)
	} else {
		credentials := authcache.New(authcache.Options{Workers: 1})
		defer credentials.Close()
		found, errs := checkCredentials(cfg, credentials, o)
		if cold = estimateColdStart(credentials); cold.long() {
			found = append(found, "warning: tenants: "+cold.String())
		}
		problems, clients = append(problems, found...), credentials.Clients()
		if errs > 0 {
			for _, problem := range problems {
				c.printf("%s\n", problem)
			}
			return errors.New(file + ": " + count(errs, "error"))
		}
	}
	for _, problem := range problems {
		c.printf("%s\n", problem)
	}
	for _, d := range cfg.Derived() {
		c.printf("auto: %s = %s\n", d.Key, d.Value)
	}
	if cold.credentials > 0 && !cold.long() {
		c.printf("cold start: %s\n", cold)
	}
	c.printf("%s: %s, %s, %s\n", file,
		count(clients, "client"), count(len(cfg.RouteTable()), "route"), count(len(cfg.Upstreams), "upstream"))
	if strict && len(problems) > 0 {
		return errors.New(file + ": " + count(len(problems), "warning"))
	}
	return nil
}
