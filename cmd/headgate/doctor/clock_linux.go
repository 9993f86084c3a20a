package doctor

import "golang.org/x/sys/unix"

// ClockSynchronised asks the kernel whether something keeps the clock right, and reports whether it could tell.
func ClockSynchronised() (known, ok bool) {
	state, err := unix.Adjtimex(&unix.Timex{})
	if err != nil {
		return false, false
	}
	return true, state != unix.TIME_ERROR
}
