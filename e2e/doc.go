// Package e2e runs the built headgate between real neighbours: Cortex v1.21.1
// behind it, Prometheus (server and agent) and promtool in front of it, etcd
// beside it, and a DNS server whose answers change. It tests nothing that a unit test could say
// sooner, and it is a module of its own so that none of this weighs on
// headgate's dependencies.
//
// It needs prometheus, promtool, etcd and systemd-nspawn in PATH (Debian: apt-get
// install prometheus etcd-server systemd-container) and the gateway's binary,
// which "make build" puts at ../bin/headgate; HEADGATE_BIN names another. What is
// missing is named and the tests are skipped; with CI=true in the environment
// they fail instead.
//
// Cortex is built from the Go module proxy with the versions of this module's
// go.mod. The first build takes a few minutes and several hundred megabytes of
// modules; the binary is kept under os.UserCacheDir()/headgate-e2e and reused.
// So that the first run has time to build it, give go test a timeout:
//
//	go test -timeout 30m ./...
package e2e
