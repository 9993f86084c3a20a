package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Exit codes, the same for every command.
const (
	exitGood    = 0
	exitProblem = 1 // something is wrong with what the command was given
	exitUsage   = 2 // the command line itself
)

// command is one subcommand.
type command struct {
	name    string
	usage   string // what follows the name
	summary string
	define  func(*flag.FlagSet) action // defines the flags
}

// action does the work of a command with the arguments that are left when the flags are taken out.
type action func(c console, args []string) error

// usageError says what is wrong with a command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// commands in the order in which usage lists them.
func commands() []command {
	return []command{
		runCommand(), checkCommand(), explainCommand(), hashPasswordCommand(), newPasswordCommand(), tokenCommand(), convertCommand(), tenantsCommand(), demoCommand(), doctorCommand(), versionCommand(),
	}
}

// console is what a command reads and writes.
type console struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// printf writes a result to standard output.
func (c console) printf(format string, args ...any) { _, _ = fmt.Fprintf(c.out, format, args...) }

// complain writes a line to standard error.
func (c console) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, "headgate: "+format+"\n", args...)
}

// run executes one command line, without the program's name, and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := console{in: stdin, out: stdout, err: stderr}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return exitGood
	case "-version", "--version":
		args = []string{"version"}
	}
	all := commands()
	i := slices.IndexFunc(all, func(cmd command) bool { return cmd.name == args[0] })
	if i < 0 {
		c.complain("%q is not a command; headgate help lists them", args[0])
		return exitUsage
	}
	return all[i].execute(c, args[1:])
}

// execute parses the flags, does the command's work and says what went wrong.
func (cmd command) execute(c console, args []string) int {
	set := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	do := cmd.define(set)
	rest, err := parseAnywhere(set, args)
	if errors.Is(err, flag.ErrHelp) {
		cmd.help(c.out, set)
		return exitGood
	}
	if err == nil {
		err = do(c, rest)
	}
	var wrong usageError
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &wrong):
		c.complain("%s: %v\nusage: %s", cmd.name, err, cmd.line())
		return exitUsage
	default:
		for line := range strings.Lines(err.Error()) {
			c.complain("%s", strings.TrimSuffix(line, "\n"))
		}
		return exitProblem
	}
}

// parseAnywhere reads flags before, between and after the arguments, and returns the arguments. What follows "--" is
// never a flag.
func parseAnywhere(set *flag.FlagSet, args []string) ([]string, error) {
	var found []string
	for {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError(err.Error())
		}
		rest := set.Args()
		if len(rest) == 0 {
			return found, nil
		}
		if taken := len(args) - len(rest); taken > 0 && args[taken-1] == "--" {
			return append(found, rest...), nil
		}
		found = append(found, rest[0])
		args = rest[1:]
	}
}

// noArguments is the error of a command that takes none.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Sprintf("%q is one argument too many", args[0]))
	}
	return nil
}

func (cmd command) line() string {
	return strings.TrimSpace("headgate " + cmd.name + " " + cmd.usage)
}

// help prints the usage of one command with its flags.
func (cmd command) help(w io.Writer, set *flag.FlagSet) {
	_, _ = fmt.Fprintf(w, "usage: %s\n%s\n", cmd.line(), cmd.summary)
	set.SetOutput(w)
	set.PrintDefaults()
}

// usage prints all commands.
func usage(w io.Writer) {
	_, _ = io.WriteString(w, "headgate is an authentication gateway for multi-tenant Cortex.\n\nusage:\n")
	for _, cmd := range commands() {
		_, _ = fmt.Fprintf(w, "  %s\n        %s\n", cmd.line(), cmd.summary)
	}
	_, _ = io.WriteString(w, "\nheadgate COMMAND --help prints the flags of a command.\n")
}
