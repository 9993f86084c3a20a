//go:build !linux

package e2e

import "errors"

// dropOnSocket drops what comes for a socket. Only Linux can.
func dropOnSocket(int, bool) error { return errors.New("this needs Linux") }
