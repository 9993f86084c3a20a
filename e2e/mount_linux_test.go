package e2e

import "golang.org/x/sys/unix"

// mountMemory mounts an empty file system in memory, which needs root.
func mountMemory(path string) error {
	return unix.Mount("headgate-e2e", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=1m,mode=0700")
}

// unmountLazily takes a file system out of sight at once, and away when nobody
// has anything of it open.
func unmountLazily(path string) error { return unix.Unmount(path, unix.MNT_DETACH) }
