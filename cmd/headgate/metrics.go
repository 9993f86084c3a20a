package main

import "fmt"

// registerMetrics exports what the program knows about itself and its configuration. The values are read when somebody
// asks.
func (a *App) registerMetrics() {
	b := a.build
	a.constant(fmt.Sprintf(`headgate_build_info{version=%q,revision=%q,goversion=%q}`, b.version, b.commit, b.goVersion))
	// Cortex's own dashboards select by this one; the gateway is one of the cluster's parts to them.
	a.constant(fmt.Sprintf(`cortex_build_info{version=%q,revision=%q,branch="",goversion=%q}`, b.version, b.commit, b.goVersion))

	a.metrics.NewGauge("headgate_config_last_reload_successful", func() float64 {
		return oneIf(a.lastReload.Load().Successful)
	})
	a.metrics.NewGauge("headgate_config_last_reload_success_timestamp_seconds", func() float64 {
		return float64(a.current.Load().loaded.UnixMilli()) / 1000
	})
	a.metrics.NewGauge("headgate_config_restart_required", func() float64 {
		return oneIf(len(a.current.Load().restart) > 0)
	})
	a.metrics.NewGauge("headgate_draining", func() float64 { return oneIf(a.draining.Load()) })
	a.metrics.RegisterMetricsWriter(a.writeCertificates)
	a.metrics.RegisterMetricsWriter(a.writeSourceMetrics)
	a.metrics.RegisterMetricsWriter(a.writeCredentialMetrics)
}

// constant exports a series whose labels say everything.
func (a *App) constant(name string) {
	a.metrics.NewGauge(name, func() float64 { return 1 })
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// exportDigest replaces the series that shows which file is in use, for comparing gateways with each other and with
// sha256sum.
func (a *App) exportDigest(before, next *generation) {
	name := func(g *generation) string { return fmt.Sprintf("headgate_config_hash{sha256=%q}", g.digest) }
	if before != nil {
		if before.digest == next.digest {
			return
		}
		a.metrics.UnregisterMetric(name(before))
	}
	a.constant(name(next))
}
