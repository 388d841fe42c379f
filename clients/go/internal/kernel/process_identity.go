package kernel

import (
	"os"
	"syscall"
)

// pidfsMagic is PID_FS_MAGIC of linux/magic.h (Linux 6.9).
const pidfsMagic = 0x50494446

// PidfdInode returns the inode of a pidfd, which no other process ever has. It returns false where the kernel has no
// pidfs: fstat(2), fstatfs(2).
func PidfdInode(pidfd int) (uint64, bool) {
	var system syscall.Statfs_t
	var status syscall.Stat_t
	if syscall.Fstatfs(pidfd, &system) != nil || int64(system.Type) != pidfsMagic || syscall.Fstat(pidfd, &status) != nil {
		return 0, false
	}
	return status.Ino, true
}

// IsInitialTimeNamespace tells whether /proc shows this process the same start times as it shows the agent. The inode of
// the initial time namespace is fixed (PROC_TIME_INIT_INO). A kernel without time namespaces has no link.
func IsInitialTimeNamespace() bool {
	link, err := os.Readlink("/proc/self/ns/time")
	return err != nil || link == "time:[4026531834]"
}
