package e2e

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// haproxy is a running HAProxy that spreads connections over gateways.
type haproxy struct {
	*process
	addr  string // where senders connect
	stats string // URL of its statistics, as CSV
}

// needHAProxy returns the path of HAProxy, which Debian keeps out of the PATH
// of those who are not root.
func needHAProxy(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if bin, err := exec.LookPath(name); err == nil {
			return bin
		}
	}
	missing(t, "haproxy is not in PATH; on Debian: apt-get install haproxy")
	return ""
}

// startHAProxy runs HAProxy in front of the gateways and waits until it counts
// them all as up.
func startHAProxy(t *testing.T, gateways []*gateway) *haproxy {
	t.Helper()
	bin := needHAProxy(t)
	h := &haproxy{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	stats := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	h.stats = "http://" + stats + "/;csv"
	var hosts []string
	for _, g := range gateways {
		hosts = append(hosts, g.host)
	}
	config := writeConfig(t, "haproxy.cfg", struct {
		Listen, Stats string
		Gateways      []string
	}{h.addr, stats, hosts})
	h.process = start(t, "haproxy", bin, "-db", "-f", config)
	for _, g := range gateways {
		h.awaits(t, g, "UP")
	}
	return h
}

// awaits waits until HAProxy says that of a gateway.
func (h *haproxy) awaits(t *testing.T, g *gateway, status string) {
	t.Helper()
	eventually(t, "HAProxy counts "+g.host+" as "+status, func() error {
		row, err := h.row(g.host)
		if err == nil && row["status"] != status {
			err = fmt.Errorf("it is %q (%s)", row["status"], row["check_status"])
		}
		return err
	})
}

// row returns what HAProxy says about a server, by column.
func (h *haproxy) row(server string) (map[string]string, error) {
	got, err := caller{url: h.stats}.try(http.MethodGet, "", "")
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(got.body), "# "))).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range rows[1:] {
		named := map[string]string{}
		for i, column := range rows[0] {
			named[column] = row[i]
		}
		if named["svname"] == server {
			return named, nil
		}
	}
	return nil, fmt.Errorf("HAProxy knows no %s: %w", server, os.ErrNotExist)
}
