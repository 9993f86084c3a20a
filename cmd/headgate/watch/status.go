package watch

import (
	"os"
	"syscall"
)

// status is what tells a file from another that took its name with the same size and time, and from itself under another
// owner: its number, and when that, its mode or its owner were last changed, in nanoseconds since 1970.
type status struct {
	inode   uint64
	changed int64
}

func statusOf(info os.FileInfo) status {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return status{s.Ino, s.Ctim.Nano()}
	}
	return status{}
}
