package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/cmd/headgate/demo"
)

func demoCommand() command {
	return command{
		name:    "demo",
		usage:   "[--once]",
		summary: "run on loopback with two tenants before a stand-in for Cortex, and print what each may see and what to try",
		define: func(set *flag.FlagSet) action {
			once := set.Bool("once", false, "end after the story instead of waiting for a signal")
			return func(c console, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return runDemo(c, *once)
			}
		},
	}
}

// runDemo needs no file of the user's: its configuration lives in a temporary folder, where the commands it prints find
// it, until it ends.
func runDemo(c console, once bool) (err error) {
	signals, stop := notifySignals()
	defer stop()
	cortex, err := startStandIn()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cortex.Close()) }()

	folder, err := os.MkdirTemp("", "headgate-demo-")
	if err != nil {
		return fmt.Errorf("demo: make a folder for the configuration: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	file := filepath.Join(folder, "headgate.toml")
	if err := os.WriteFile(file, []byte(demo.Config(cortex.Addr)), 0o600); err != nil {
		return fmt.Errorf("demo: write the configuration: %w", err)
	}

	app, err := New(AppOptions{ConfigFile: file, Log: c.err, Env: os.Getenv})
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, signals) }()

	program, err := os.Executable()
	if err != nil {
		program = "headgate"
	}
	story := demo.Story{
		Gateway: "http://" + app.Addrs()[0].String(),
		Admin:   "http://" + app.AdminAddr().String(),
		Config:  file,
		Program: program,
		Out:     c.out,
	}
	if err := story.Play(ctx); err != nil {
		end()
		return errors.Join(fmt.Errorf("demo: %w", err), <-ended)
	}
	if once {
		end()
	} else {
		c.printf("\nIt runs until Ctrl-C.\n")
	}
	return <-ended
}

// standInTimeout bounds the head of a request to the stand-in.
const standInTimeout = 10 * time.Second

// startStandIn serves the stand-in for Cortex on a port of loopback; Addr says which.
func startStandIn() (*http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo: listen on loopback: %w", err)
	}
	server := &http.Server{Addr: l.Addr().String(), Handler: demo.NewCortex(), ReadHeaderTimeout: standInTimeout}
	go func() { _ = server.Serve(l) }() // ends with Close
	return server, nil
}
