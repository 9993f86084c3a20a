package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// serviceAccount is the user and the group that the packages make for the service.
const serviceAccount = "headgate"

// becomeService makes this process see files as the service does, for a check by root of a configuration that is the
// service's. Root can read whatever lies there, which says nothing of the start. It returns the name of the user, "" where
// nothing changed.
func becomeService(file string) (string, error) {
	if os.Geteuid() != 0 {
		return "", nil
	}
	account, err := user.Lookup(serviceAccount)
	if err != nil {
		return "", nil // no package is installed here
	}
	uid, err1 := strconv.Atoi(account.Uid)
	gid, err2 := strconv.Atoi(account.Gid)
	if err1 != nil || err2 != nil || !belongsTo(file, uint32(gid)) {
		return "", nil
	}
	for _, become := range []func() error{
		func() error { return syscall.Setgroups([]int{gid}) },
		func() error { return syscall.Setgid(gid) },
		func() error { return syscall.Setuid(uid) },
	} {
		if err := become(); err != nil {
			return "", fmt.Errorf("become %s, to read what the service reads: %w", account.Username, err)
		}
	}
	return account.Username, nil
}

// belongsTo reports whether a file or its folder has a group, as /etc/headgate has that of the service.
func belongsTo(file string, gid uint32) bool {
	for _, path := range []string{file, filepath.Dir(file)} {
		if info, err := os.Stat(path); err == nil {
			if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Gid == gid {
				return true
			}
		}
	}
	return false
}
