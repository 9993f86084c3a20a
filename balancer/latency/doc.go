// Package latency counts how long things took, in classic Prometheus histograms that are updated without a lock. It does
// not know what it was that took so long.
package latency
