// Package collector is the gateway before the receiver of a real OpenTelemetry
// collector. It is a module of its own so that the collector weighs neither on
// headgate nor on e2e, and so that its versions are free.
//
// It needs the gateway's binary, which "make build" puts at ../../bin/headgate;
// HEADGATE_BIN names another.
package collector
