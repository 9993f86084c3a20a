package doctor

import (
	"os"

	"golang.org/x/sys/unix"
)

// timesynced is there once systemd-timesyncd has set the clock (systemd-timesyncd.service(8)).
const timesynced = "/run/systemd/timesync/synchronized"

// ClockSynchronised reports whether something keeps the clock right, and whether it could tell. The kernel knows; within
// the sandbox of the service (ProtectClock=) it must not be asked, and then there is only the word of systemd-timesyncd.
func ClockSynchronised() (known, ok bool) {
	return clockSynchronised(func() (int, error) { return unix.Adjtimex(&unix.Timex{}) }, timesynced)
}

func clockSynchronised(adjtimex func() (int, error), synced string) (known, ok bool) {
	if state, err := adjtimex(); err == nil {
		return true, state != unix.TIME_ERROR
	}
	_, err := os.Stat(synced)
	return err == nil, err == nil
}
