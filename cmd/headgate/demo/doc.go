// Package demo holds what `headgate demo` shows: a stand-in for Cortex that keeps what each tenant pushed, the
// configuration of a gateway before it, and the short story that is played through that gateway.
//
// The stand-in knows nothing of remote write: a push is whatever bytes came, and a query answers with all of them.
package demo
