// Package kernel wraps system calls and kernel settings that the standard library lacks.
package kernel

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const (
	sysPidfdOpen = 434 // on every architecture
	pPidfd       = 3
	pollIn       = 1
	// PIDFD_THREAD, set in the file status flags of a pidfd of a thread.
	pidfdThread = syscall.O_EXCL
)

// PidfdOpen opens a pidfd of a process. The descriptor is close-on-exec: pidfd_open(2).
func PidfdOpen(pid int) (int, syscall.Errno) {
	for {
		fd, _, errno := syscall.RawSyscall(sysPidfdOpen, uintptr(pid), 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		return int(fd), errno
	}
}

// IsPidfd tells whether a descriptor is a pidfd of a process, and not of a thread. waitid(2) accepts both kinds of
// pidfd; the file status flags tell them apart.
func IsPidfd(fd int) bool {
	var info [128]byte
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPidfd, uintptr(fd), uintptr(unsafe.Pointer(&info)),
		syscall.WEXITED|syscall.WNOHANG|syscall.WNOWAIT, 0, 0)
	if errno != 0 && errno != syscall.ECHILD && errno != syscall.EAGAIN {
		return false
	}
	flags, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	return errno == 0 && flags&pidfdThread == 0
}

// Duplicate returns a close-on-exec copy of a descriptor: fcntl(2) with F_DUPFD_CLOEXEC.
func Duplicate(fd int) (int, syscall.Errno) {
	copied, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	return int(copied), errno
}

// HasEnded tells whether the process of a pidfd has ended, even if its parent has not waited for it: poll(2).
func HasEnded(pidfd int) bool {
	entry := struct {
		fd              int32
		events, revents int16
	}{int32(pidfd), pollIn, 0}
	var zero syscall.Timespec
	for {
		ready, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&entry)), 1,
			uintptr(unsafe.Pointer(&zero)), 0, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		return errno != 0 || ready != 0
	}
}

// PIDOfPidfd returns the pid of a pidfd in this PID namespace, from /proc/self/fdinfo. It returns 0 where the process
// has none here or /proc is not readable.
func PIDOfPidfd(pidfd int) int {
	text, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(pidfd))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest := strings.TrimPrefix(line, "Pid:"); rest != line {
			if pid, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil && pid > 0 {
				return pid
			}
		}
	}
	return 0
}
