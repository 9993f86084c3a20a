package systemd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells the service manager how the service is (sd_notify(3)). A nil Notifier tells nobody.
type Notifier struct {
	send func(state string) error
	log  *slog.Logger
}

// NewNotifier gives every message to send (Send, but for tests), from any goroutine. Without a send there is no Notifier.
func NewNotifier(send func(state string) error, log *slog.Logger) *Notifier {
	if send == nil {
		return nil
	}
	return &Notifier{send: send, log: log}
}

// Send tells the service manager that started this process, and nobody when there is none or its unit is not of
// Type=notify.
func Send(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// Ready says that the service has started, or has finished a reload, and how it is.
func (n *Notifier) Ready(status string) { n.tell(daemon.SdNotifyReady, statusLine(status)) }

// Reloading says that the configuration is being loaded again; Ready must follow, whatever comes of it.
func (n *Notifier) Reloading() {
	n.tell(daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"), statusLine("loading the configuration again"))
}

// Stopping says that the service goes away, and within what time: longer than the unit's TimeoutStopSec= may be. 0 is no
// promise.
func (n *Notifier) Stopping(status string, within time.Duration) {
	lines := []string{daemon.SdNotifyStopping, statusLine(status)}
	if within > 0 {
		lines = append(lines, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
	}
	n.tell(lines...)
}

// Status says how the service is, in one line for people.
func (n *Notifier) Status(status string) { n.tell(statusLine(status)) }

// alive is a sign of life for the watchdog.
func (n *Notifier) alive() { n.tell(daemon.SdNotifyWatchdog) }

// statusLine makes one line of a text, for a line break would begin another assignment.
func statusLine(status string) string { return "STATUS=" + strings.ReplaceAll(status, "\n", " ") }

func (n *Notifier) tell(lines ...string) {
	if n == nil {
		return
	}
	if err := n.send(strings.Join(lines, "\n") + "\n"); err != nil {
		n.log.Warn("the service manager was not told", "state", lines[0], "error", err)
	}
}
