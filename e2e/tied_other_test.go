//go:build !linux

package e2e

import "os/exec"

// startTied starts cmd. Only Linux can tie it to the life of this process.
func startTied(cmd *exec.Cmd) error { return cmd.Start() }
