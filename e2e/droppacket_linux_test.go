package e2e

import "golang.org/x/sys/unix"

// dropOnSocket has the kernel drop every packet that comes for a socket, before
// TCP sees it: a filter of one instruction, "keep 0 bytes". It needs no
// privilege and no firewall.
func dropOnSocket(fd int, drop bool) error {
	if !drop {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	}
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &program[0]})
}
