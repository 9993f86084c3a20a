// Command headgate is an authentication gateway for multi-tenant Cortex: it proves who sends a Prometheus remote write or
// a query, names the tenant in X-Scope-OrgID, and streams the request to the right Cortex component.
//
// This folder is the program: the subcommands, the App that runs a configuration, and assemble.go, which turns one into
// the parts that serve. The nouns below it are config, admin and demo.
package main

import (
	"os"

	"github.com/headgate/headgate/cmd/headgate/systemd"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, systemd.Standard(os.Stderr, os.Getenv)))
}
