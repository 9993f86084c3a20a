package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/headgate/headgate/bench/contest"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// errUsage is a command line that cannot be read; what is wrong has been said.
var errUsage = errors.New("wrong usage")

func isUsage(err error) bool { return errors.Is(err, errUsage) }

// parse reads the flags of a command that takes a number of arguments behind them.
func parse(set *flag.FlagSet, args []string, arguments int) error {
	err := set.Parse(args)
	switch {
	case err != nil:
		return errUsage
	case set.NArg() != arguments:
		fmt.Fprintf(set.Output(), "bench %s: %d arguments: want %d\n", set.Name(), set.NArg(), arguments)
		return errUsage
	default:
		return nil
	}
}

// common are the flags of the commands that measure.
type common struct {
	window, warmup time.Duration
	headgate       string
	proxyCore      int
	loadCore       int
}

func (c *common) define(set *flag.FlagSet, window time.Duration) {
	set.DurationVar(&c.window, "time", window, "length of a round")
	set.DurationVar(&c.warmup, "warmup", 300*time.Millisecond, "time before each round that does not count")
	set.StringVar(&c.headgate, "headgate", headgateProgram(), "headgate's program; HEADGATE_BIN sets it too")
	set.IntVar(&c.proxyCore, "proxy-core", runtime.NumCPU()-1, "core of the proxy under test")
	set.IntVar(&c.loadCore, "load-core", 0, "core of the load and the stand-in upstream")
}

func headgateProgram() string {
	if name := os.Getenv("HEADGATE_BIN"); name != "" {
		return name
	}
	return filepath.Join("..", "bin", "headgate")
}

// options makes what a contest needs. The folder it names is to be removed afterwards.
func (c *common) options() (contest.Options, error) {
	var o contest.Options
	if c.proxyCore == c.loadCore {
		return o, fmt.Errorf("proxy and load share core %d: want two, of which this machine has %d", c.proxyCore, runtime.NumCPU())
	}
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	headgate, err := filepath.Abs(c.headgate)
	if err != nil {
		return o, fmt.Errorf("find headgate: %w", err)
	}
	files, err := raiseOpenFiles()
	if err != nil {
		return o, err
	}
	dir, err := os.MkdirTemp("", "headgate-bench-")
	if err != nil {
		return o, err
	}
	return contest.Options{
		Window: c.window, Warmup: c.warmup, Headgate: headgate, Self: self, ProxyCore: c.proxyCore, LoadCore: c.loadCore,
		OpenFiles: files, Dir: dir,
	}, nil
}

// raiseOpenFiles raises the limit of open files as far as it goes without asking for privileges, for this process and what
// it starts, and returns it.
func raiseOpenFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	const plenty = 65536 // Some proxies set aside memory for as many as they may open.
	limit.Cur = min(limit.Max, plenty)
	limit.Max = limit.Cur
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raise the limit of open files: %w", err)
	}
	return int(limit.Cur), nil
}

// measure is the command run.
func measure(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var c common
	c.define(set, time.Second)
	scenarios := set.String("scenarios", "", "comma-separated beginnings of names of scenarios; default: all")
	variants := set.String("only", "", "comma-separated variants, haproxy* for all of one proxy; default: all")
	rounds := set.Int("rounds", 5, "rounds of each subject, closed and open each")
	retakes := set.Int("retakes", 4, "how often a round is taken again during which something else took more than a tenth of a core")
	starts := set.Int("starts", 5, "starts of each HAProxy variant, the best of which counts")
	dir := set.String("out", "results", "folder for the results; charts go into its folder charts")
	if err := parse(set, args, 0); err != nil {
		return err
	}
	if *rounds < 1 || *starts < 1 || *retakes < 0 {
		return fmt.Errorf("rounds %d, starts %d: want 1 or more; retakes %d: want 0 or more", *rounds, *starts, *retakes)
	}
	chosen, err := scenario.Select(*scenarios)
	if err != nil {
		return err
	}
	field, err := rivals.Select(*variants)
	if err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	o.Scenarios, o.Variants, o.Rounds, o.Starts, o.Retakes, o.Progress = chosen, field, *rounds, *starts, *retakes, os.Stderr
	result := &report.Run{
		Date: time.Now(), Commit: report.Commit("."), Machine: report.ThisMachine(),
		Settings: report.Settings{
			Rounds: o.Rounds, Window: o.Window.Seconds(), Warmup: o.Warmup.Seconds(), Starts: o.Starts,
			ProxyCore: o.ProxyCore, LoadCore: o.LoadCore,
		},
	}
	versions, err := contest.Run(ctx, o, func(s report.Scenario) error {
		result.Scenarios = append(result.Scenarios, s)
		report.WriteScenario(out, s)
		return nil
	})
	// What is measured is kept, also when the rest is not.
	if len(result.Scenarios) == 0 {
		return err
	}
	result.Versions = versions
	result.Versions["go"] = runtime.Version() + " (load and upstream)"
	return errors.Join(err, finish(result, *dir, out))
}

// finish writes and shows what belongs to the run as a whole.
func finish(r *report.Run, dir string, out io.Writer) error {
	report.WriteGoals(out, r)
	fmt.Fprintln(out)
	report.WriteHead(out, r)
	name, err := r.Write(dir)
	if err != nil {
		return err
	}
	charts, err := report.WriteCharts(filepath.Join(dir, "charts"), r)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s and %d charts beside it\n", name, len(charts))
	return nil
}

// show is the command report.
func show(set *flag.FlagSet, args []string, out io.Writer) error {
	dir := set.String("charts", "", "folder for the charts; default: none are drawn")
	if err := parse(set, args, 1); err != nil {
		return err
	}
	r, err := report.Read(set.Arg(0))
	if err != nil {
		return err
	}
	report.WriteHead(out, r)
	for _, s := range r.Scenarios {
		report.WriteScenario(out, s)
	}
	report.WriteGoals(out, r)
	if *dir == "" {
		return nil
	}
	names, err := report.WriteCharts(*dir, r)
	for _, name := range names {
		fmt.Fprintln(out, name)
	}
	return err
}

// list is the command list.
func list(set *flag.FlagSet, args []string, out io.Writer) error {
	if err := parse(set, args, 0); err != nil {
		return err
	}
	fmt.Fprintln(out, "scenarios")
	for _, s := range scenario.All() {
		fmt.Fprintf(out, "  %-17s %s\n", s.Name, s.Title)
	}
	fmt.Fprintln(out, "variants")
	for _, v := range rivals.Variants() {
		fmt.Fprintf(out, "  %-17s %s\n", v.Name, v.About)
	}
	return nil
}

// profile is the command profile.
func profile(ctx context.Context, set *flag.FlagSet, args []string, out io.Writer) error {
	var c common
	c.define(set, 10*time.Second)
	scenarios := set.String("scenarios", "push-1KiB,push-32KiB", "comma-separated beginnings of names of scenarios")
	file := set.String("o", "cpu.pprof", "the profile; of several scenarios they are merged")
	if err := parse(set, args, 0); err != nil {
		return err
	}
	chosen, err := scenario.Select(*scenarios)
	if err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	o.Scenarios, o.Progress = chosen, os.Stderr
	if err := contest.Profile(ctx, o, *file); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: look at it with go tool pprof -http=: %s\n", *file, *file)
	return nil
}
