package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestNoSampleLost lets a Prometheus and a vmagent write through headgate into
// Cortex while everything between them breaks at random, and then compares what
// Cortex holds with what each of them has scraped. It takes a minute, or as
// long as SOAK says.
func TestNoSampleLost(t *testing.T) {
	needPrograms(t)
	needVmagent(t)
	b := startBattlefield(t)
	atStart := b.gateway.mustResources(t)

	started := time.Now()
	b.fight(t, soakLength(t, time.Minute))
	t.Logf("%d scrapes by Prometheus, %d by vmagent; %d connections cut", b.shopA.scrapes.Load(), b.shopB.scrapes.Load(), b.cuts())

	b.prometheus.stopScraping(t)
	b.vmagent.stopScraping(t)
	t.Run("every sample of Prometheus is in Cortex", func(t *testing.T) { b.holdsAllOfPrometheus(t, started) })
	t.Run("every sample of vmagent is in Cortex", func(t *testing.T) { b.holdsAllOfVmagent(t, started) })

	b.prometheus.end(t)
	b.vmagent.end(t)
	b.tenants.isGood(t, b.gateway)
	b.gateway.comesBackTo(t, atStart)
	b.gateway.endWell(t)
}

// holdsAllOfPrometheus compares Cortex with Prometheus's own storage.
func (b *battlefield) holdsAllOfPrometheus(t *testing.T, from time.Time) {
	var said metrics
	own := caller{url: b.prometheus.url}
	defer func() {
		for _, counter := range []string{"samples_failed", "samples_dropped", "metadata_failed"} {
			if n := said.sum("prometheus_remote_storage_" + counter + "_total"); n != 0 {
				t.Errorf("Prometheus: %s is %v, want 0", counter, n)
			}
		}
		t.Logf("Prometheus repeated %v samples", said.sum("prometheus_remote_storage_samples_retried_total"))
	}()
	eventually(t, "Cortex holds what Prometheus holds", func() error {
		var err error
		if said, err = b.prometheus.metrics(); err != nil {
			return err
		}
		if n := said.sum("prometheus_remote_storage_samples_pending"); n != 0 {
			return fmt.Errorf("%v samples are pending", n)
		}
		sent, err := own.history("/api/v1/read", from.Add(-time.Minute), time.Now())
		if err != nil {
			return err
		}
		return b.holds(t, "team-a", sent, from)
	})
}

// holdsAllOfVmagent compares Cortex with what vmagent has sent past headgate.
func (b *battlefield) holdsAllOfVmagent(t *testing.T, from time.Time) {
	var said metrics
	eventually(t, "Cortex holds what vmagent has scraped", func() error {
		var err error
		if said, err = b.vmagent.metrics(); err != nil {
			return err
		}
		if n := said.sum("vmagent_remotewrite_pending_data_bytes") + said.sum("vmagent_remotewrite_pending_inmemory_blocks"); n != 0 {
			return fmt.Errorf("%v are pending", n)
		}
		sent, err := b.witness.history()
		if err != nil {
			return err
		}
		return b.holds(t, "team-b", sent, from)
	})
	for _, counter := range []string{
		"vmagent_remotewrite_packets_dropped_total", "vmagent_remotewrite_relabel_metrics_dropped_total",
	} {
		if n := said.sum(counter); n != 0 {
			t.Errorf("vmagent: %s is %v, want 0", counter, n)
		}
	}
	for _, status := range []string{"400", "409"} {
		if n := said.sum("vmagent_remotewrite_requests_total", "status_code", status); n != 0 {
			t.Errorf("vmagent has seen %v answers %s, on which it drops data", n, status)
		}
	}
	t.Logf("vmagent repeated %v pushes", said.sum("vmagent_remotewrite_retries_count_total"))
}

// holds returns an error unless Cortex has exactly what was sent.
func (b *battlefield) holds(t *testing.T, tenant string, sent history, from time.Time) error {
	if err := sent.isClosed(); err != nil {
		return err
	}
	// Past the front and its cut wires: this is about what is there.
	held, err := b.gateway.reader(tenant).history("/prometheus/api/v1/read", from.Add(-time.Minute), time.Now())
	if err != nil {
		return err
	}
	if err := held.differs(sent); err != nil {
		return err
	}
	if n, scraped := sent.samples(), 100*len(sent); n < scraped {
		return errors.New("too few samples to prove anything")
	}
	t.Logf("%s: %d samples in %d series, 0 missing, 0 duplicated", tenant, sent.samples(), len(sent))
	return nil
}
