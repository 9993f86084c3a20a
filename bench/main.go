// Command bench measures headgate beside nginx, HAProxy and vmauth, and shows the results. README.md says how to read them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/headgate/headgate/bench/contest"
)

const usage = `usage: go run . COMMAND [flags]

  run       measure, and write results/*.json and charts; run -h lists the flags
  report    FILE: show the tables of a result again, and draw its charts
  list      the scenarios and the variants
  profile   a CPU profile of headgate under the load of one scenario
  coldstart a restart while many clients push: when the last one is served
  flood     many wrong passwords beside pushes
  timing    whether the time of an answer tells an unknown user from a wrong password
  reload    of many tenants under load: how long it takes, what pushes notice
  fleet     many clients in etcd: a start, memory, changes one by one, what pushes notice
`

func main() {
	// SIGPIPE too: with the output gone, the proxies are still to be ended.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 0 good, 1 a failure, 2 wrong usage.
func run(ctx context.Context, args []string, out, problems io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(problems, usage)
		return 2
	}
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	set.SetOutput(problems)
	var err error
	switch args[0] {
	case "run":
		err = measure(ctx, set, args[1:], out)
	case "report":
		err = show(set, args[1:], out)
	case "list":
		err = list(set, args[1:], out)
	case "profile":
		err = profile(ctx, set, args[1:], out)
	case "coldstart":
		err = coldStart(ctx, set, args[1:], out)
	case "flood":
		err = flood(ctx, set, args[1:], out)
	case "timing":
		err = timing(ctx, set, args[1:], out)
	case "reload":
		err = reload(ctx, set, args[1:], out)
	case "fleet":
		err = fleet(ctx, set, args[1:], out)
	case "worker": // What the others start themselves.
		err = contest.RunWorker(os.Stdin, out)
	default:
		fmt.Fprintf(problems, "bench: no command is called %q\n\n%s", args[0], usage)
		return 2
	}
	switch {
	case err == nil:
		return 0
	case isUsage(err):
		return 2
	default:
		fmt.Fprintf(problems, "bench: %v\n", err)
		return 1
	}
}
