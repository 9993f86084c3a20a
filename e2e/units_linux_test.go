package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUnits runs headgate as the units of deploy/ do, under a systemd: restarts
// that no sender notices, reloads, what becomes of a process that is killed or
// hangs, and what the sandbox lets it do.
func TestUnits(t *testing.T) {
	t.Parallel()
	upstream := startStandIn(t, "127.0.0.1", 0)
	host, admin := fmt.Sprint("127.0.0.1:", freePort(t)), fmt.Sprint("127.0.0.1:", freePort(t))
	const service = "[Service]\nLoadCredential=prometheus-a:/etc/headgate/secret\nWatchdogSec=10s\n"
	m := boot(t, map[string]string{
		"headgate.socket":         "[Socket]\nListenStream=\nListenStream=" + host + "\n",
		"headgate-admin.socket":   "[Socket]\nListenStream=\nListenStream=" + admin + "\n",
		"headgate.service":        service,
		"headgate-second.service": service,
	})
	config := fmt.Sprintf(`server.listen = %q
server.drain_delay = "1s"
admin.listen = %q
[upstreams.all]
url = %q
timeout = "10m"
read_timeout = "10m"
[[tenants]]
id = "team-a"
username = "prometheus-a"
password_file = "${CREDENTIALS_DIRECTORY}/prometheus-a"
`, host, admin, upstream.url)
	m.configure(t, "config.toml", config)
	m.configure(t, "secret", passwordA+"\n")
	m.run(t, "systemctl", "start", "headgate.socket", "headgate-admin.socket", "headgate.service")
	sender := caller{url: "http://" + host, user: "prometheus-a", password: passwordA}
	request := pushBytes(t, sender)
	pushOnce := func() error { // on a connection of its own
		line, err := dialWire(host)
		if err != nil {
			return err
		}
		defer line.close()
		_, err = line.push(request)
		return err
	}
	pushAnew := func(when string) {
		t.Helper()
		if err := pushOnce(); err != nil {
			t.Fatalf("push %s: %v", when, err)
		}
	}
	pushAnew("at first")
	postinstall := string(read(t, "../deploy/package/postinstall.sh"))

	t.Run("an upgrade of the package", func(t *testing.T) {
		first := m.property(t, "headgate", "MainPID")
		before := upstream.pushes.Load()
		upstream.hang(true)
		slow := make(chan error, 1)
		go func() { slow <- pushOnce() }()
		eventually(t, "a push is under way", func() error {
			if upstream.pushes.Load() == before {
				return fmt.Errorf("the upstream has none")
			}
			return nil
		})
		letGo := upstream.hung.Swap(nil) // the others are answered
		senders := startKeepAlive(t, host, sender, load{Senders: 8})
		upgraded := make(chan error, 1)
		go func() { // a second process serves while the first one restarts
			_, err := m.try("sh", "-c", postinstall, "postinstall", "configure", "1.0.0")
			upgraded <- err
		}()
		eventually(t, "the first process drains", func() error {
			if state := m.property(t, "headgate", "StatusText"); !strings.Contains(state, "accepting no more") {
				return fmt.Errorf("it says %q", state)
			}
			return nil
		})
		for i := range 20 {
			pushAnew(fmt.Sprintf("%d of 20 while the first process drains", i+1))
		}
		close(*letGo)
		if err := <-slow; err != nil {
			t.Errorf("the push that was under way: %v", err)
		}
		if err := <-upgraded; err != nil {
			t.Error(err)
		}
		if state, err := m.try("systemctl", "is-active", "headgate-second"); err == nil {
			t.Errorf("the second process is still there: %s", state)
		}
		pushAnew("after it")
		t.Logf("%d pushes", senders.noneFailed(t))
		if now := m.property(t, "headgate", "MainPID"); now == first {
			t.Errorf("process %s is still the one that was to restart", now)
		}
	})

	t.Run("an upgrade to a version that refuses the configuration", func(t *testing.T) {
		before := m.property(t, "headgate", "MainPID")
		m.configure(t, "config.toml", config+"colour = \"green\"\n")
		said, err := m.try("sh", "-c", postinstall, "postinstall", "configure", "1.0.0")
		if err == nil || !strings.Contains(said, "colour") || !strings.Contains(said, "was not restarted") {
			t.Errorf("it says %q (%v)", said, err)
		}
		m.configure(t, "config.toml", config)
		if now := m.property(t, "headgate", "MainPID"); now != before {
			t.Errorf("process %s has become %s", before, now)
		}
	})

	t.Run("a reload", func(t *testing.T) {
		before := m.property(t, "headgate", "MainPID")
		m.configure(t, "config.toml", config+"colour = \"green\"\n")
		if said, err := m.try("systemctl", "reload", "headgate"); err == nil {
			t.Errorf("a file with a key that there is not was loaded: %s", said)
		}
		pushAnew("after a reload that was refused")
		m.configure(t, "config.toml", config+"\n[[tenants]]\nid = \"team-b\"\nusername = \"prometheus-b\"\npassword = \""+passwordB+"\"\n")
		m.run(t, "systemctl", "reload", "headgate")
		eventually(t, "who came with a reload may push", func() error {
			req, err := caller{url: "http://" + host, user: "prometheus-b", password: passwordB}.pushRequest("units", "0", time.Now(), 1)
			if err != nil {
				return err
			}
			if got, err := do(req); err != nil || got.status != 200 {
				return fmt.Errorf("%v, %v", got, err)
			}
			return nil
		})
		pushAnew("after a reload")
		if now := m.property(t, "headgate", "MainPID"); now != before {
			t.Errorf("process %s has become %s", before, now)
		}
	})

	for _, signal := range []string{"KILL", "STOP"} {
		t.Run("a process that gets SIG"+signal, func(t *testing.T) {
			before := m.property(t, "headgate", "NRestarts")
			m.run(t, "systemctl", "kill", "--kill-who=main", "--signal="+signal, "headgate")
			eventually(t, "systemd has started it again", func() error {
				if now := m.property(t, "headgate", "NRestarts"); now == before {
					return fmt.Errorf("it was restarted %s times, before and now", now)
				}
				return nil
			})
			pushAnew("after SIG" + signal)
		})
	}

	t.Run("the sandbox", func(t *testing.T) {
		allowed := strings.Fields(m.property(t, "headgate", "SystemCallFilter"))
		for call, want := range map[string]bool{"setpriority": true, "getpriority": true, "splice": true, "setrlimit": false, "chroot": false, "ptrace": false} {
			if got := slices.Contains(allowed, call); got != want {
				t.Errorf("%s is allowed: %v, want %v", call, got, want)
			}
		}
	})

	t.Run("the end", func(t *testing.T) {
		m.run(t, "systemctl", "stop", "headgate.socket", "headgate-admin.socket", "headgate.service")
		if result := m.property(t, "headgate", "Result"); result != "success" {
			t.Errorf("the result of the service is %s", result)
		}
		if _, err := net.Dial("tcp", host); err == nil {
			t.Error("somebody listens still")
		}
		journal := m.run(t, "journalctl", "--output=cat")
		if strings.Contains(journal, passwordA) || strings.Contains(journal, passwordB) {
			t.Error("the journal has a password")
		}
	})
}
