//go:build unix && (race || !linux)

package tcp

import "syscall"

// read is read(2), which the scheduler is told of: only Linux's system calls may be made behind its back, and the race detector
// has to see that what was done before a write on one end has happened before the read on the other.
func read(fd uintptr, b []byte) (int, error) { return positive(syscall.Read(int(fd), b)) }

// write is write(2), see read.
func write(fd uintptr, b []byte) (int, error) { return positive(syscall.Write(int(fd), b)) }

// positive makes none of the -1 that comes with an error.
func positive(n int, err error) (int, error) { return max(n, 0), err }
