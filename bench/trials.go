package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/trial"
)

// table is what a trial ends with.
type table interface{ Write(io.Writer) }

// try runs a trial with the flags that all have.
func try(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer, do func(context.Context, trial.Options) (table, error)) error {
	var c common
	c.define(set, time.Second)
	if err := parse(set, args, 0); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	result, err := do(ctx, trial.Options{
		Headgate: o.Headgate, Self: o.Self, ProxyCore: o.ProxyCore, LoadCore: o.LoadCore, OpenFiles: o.OpenFiles, Dir: o.Dir,
	})
	if err != nil {
		return err
	}
	machine := report.ThisMachine()
	fmt.Fprintf(out, "headgate bench %s · %s · commit %s\n%s, %d cores; headgate has one of them\n", set.Name(),
		time.Now().Format("2006-01-02 15:04"), report.Commit("."), machine.CPU, machine.Cores)
	result.Write(out)
	return nil
}

// coldStart is the command coldstart.
func coldStart(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var c trial.ColdStart
	set.IntVar(&c.Clients, "clients", 10_000, "clients, each of which pushes once a second")
	set.IntVar(&c.Cost, "cost", 10, "cost of bcrypt; 0: password_sha256")
	set.DurationVar(&c.Limit, "limit", 30*time.Minute, "when to stop, whoever was not served")
	return try(ctx, set, args, out, func(ctx context.Context, o trial.Options) (table, error) { return trial.RunColdStart(ctx, o, c) })
}

// flood is the command flood.
func flood(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var f trial.Flood
	set.IntVar(&f.Clients, "clients", 1000, "clients with wrong passwords")
	set.Float64Var(&f.Rate, "rate", 10, "wrong passwords a second of each")
	set.IntVar(&f.Cost, "cost", 12, "cost of bcrypt")
	set.DurationVar(&f.Window, "window", 20*time.Second, "length of each of the three measurements")
	return try(ctx, set, args, out, func(ctx context.Context, o trial.Options) (table, error) { return trial.RunFlood(ctx, o, f) })
}

// timing is the command timing.
func timing(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var t trial.Timing
	set.IntVar(&t.Samples, "samples", 20_000, "samples of each kind")
	set.IntVar(&t.Cost, "cost", 4, "cost of bcrypt")
	set.DurationVar(&t.Pause, "pause", 25*time.Millisecond, "between two requests")
	return try(ctx, set, args, out, func(ctx context.Context, o trial.Options) (table, error) { return trial.RunTiming(ctx, o, t) })
}

// reload is the command reload.
func reload(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var r trial.Reload
	set.IntVar(&r.Tenants, "tenants", 100_000, "tenants in the configuration")
	set.IntVar(&r.Times, "times", 5, "reloads beside each kind of load")
	set.DurationVar(&r.Pause, "pause", time.Second, "between two reloads")
	set.DurationVar(&r.Window, "window", 3*time.Second, "of finding the most that headgate can do")
	return try(ctx, set, args, out, func(ctx context.Context, o trial.Options) (table, error) { return trial.RunReload(ctx, o, r) })
}

// fleet is the command fleet.
func fleet(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var f trial.Fleet
	set.IntVar(&f.Clients, "clients", 100_000, "clients in etcd")
	set.IntVar(&f.Changes, "changes", 200, "changes of one client without load, and as many beside pushes")
	set.DurationVar(&f.Pause, "pause", 50*time.Millisecond, "between two changes")
	set.DurationVar(&f.Window, "window", 3*time.Second, "of finding the most that headgate can do")
	return try(ctx, set, args, out, func(ctx context.Context, o trial.Options) (table, error) { return trial.RunFleet(ctx, o, f) })
}
