package main

import (
	"cmp"
	"flag"
	"runtime"
	"runtime/debug"
)

// Set by the linker (-X main.version=…), see the Makefile; empty in a plain go build.
var version, commit, buildDate string

// build says which program this is.
type build struct{ version, commit, goVersion, date string }

// thisBuild prefers what the linker was told and falls back to what the go command recorded.
func thisBuild() build {
	b := build{version: version, commit: commit, goVersion: runtime.Version(), date: buildDate}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.version = cmp.Or(b.version, info.Main.Version)
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				b.commit = cmp.Or(b.commit, setting.Value)
			case "vcs.time":
				b.date = cmp.Or(b.date, setting.Value)
			}
		}
	}
	b.version = cmp.Or(b.version, "unknown")
	b.commit = cmp.Or(b.commit, "unknown")
	b.date = cmp.Or(b.date, "unknown")
	return b
}

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print version, commit, Go version and build date",
		define: func(*flag.FlagSet) action {
			return func(c console, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				b := thisBuild()
				c.printf("headgate %s (commit %s, %s, built %s)\n", b.version, b.commit, b.goVersion, b.date)
				return nil
			}
		},
	}
}
