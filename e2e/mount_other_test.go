//go:build !linux

package e2e

import "errors"

func mountMemory(string) error { return errors.New("mounts are for Linux here") }

func unmountLazily(string) error { return errors.New("mounts are for Linux here") }
