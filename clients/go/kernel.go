package rlimitd

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// System calls that the standard library lacks.

const (
	sysPidfdOpen = 434 // on every architecture
	pPidfd       = 3
	pollIn       = 1
	// Of a pidfd of a thread, PIDFD_THREAD: O_EXCL.
	pidfdThread = syscall.O_EXCL
)

type rlimit64 struct{ soft, hard uint64 }

// prlimit(2); 0 is this process.
func prlimit(pid int, r Resource, limit *Limit) (Limit, syscall.Errno) {
	var old, wanted rlimit64
	var new unsafe.Pointer
	if limit != nil {
		wanted = rlimit64{limit.Soft, limit.Hard}
		new = unsafe.Pointer(&wanted)
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), r.kernelNumber(), uintptr(new),
		uintptr(unsafe.Pointer(&old)), 0, 0)
	return Limit{old.soft, old.hard}, errno
}

// The Go runtime raised the soft limit of open files when the program began, and gives children the one there was before
// until the program sets that limit itself, by this call. Whoever asks for a limit means children too.
//
// Once, and before the first is asked for: it sets what there was a moment ago, and would take back what was granted since.
func letChildrenInheritOpenFiles() {
	openFilesInheritance.Lock()
	defer openFilesInheritance.Unlock()
	if openFilesInheritance.isSet {
		return
	}
	if now, errno := prlimit(0, NoFile, nil); errno == 0 {
		failure := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: now.Soft, Max: now.Hard})
		openFilesInheritance.isSet = failure == nil
	}
}

var openFilesInheritance struct {
	sync.Mutex
	isSet bool
}

// pidfd_open(2). The descriptor is close-on-exec.
func pidfdOpen(pid int) (int, syscall.Errno) {
	for {
		fd, _, errno := syscall.RawSyscall(sysPidfdOpen, uintptr(pid), 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		return int(fd), errno
	}
}

// Whether a descriptor is a pidfd of a process: waitid(2) looks at its kind alone.
func isPidfd(fd int) bool {
	var info [128]byte
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPidfd, uintptr(fd), uintptr(unsafe.Pointer(&info)),
		syscall.WEXITED|syscall.WNOHANG|syscall.WNOWAIT, 0, 0)
	if errno != 0 && errno != syscall.ECHILD && errno != syscall.EAGAIN {
		return false
	}
	flags, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	return errno == 0 && flags&pidfdThread == 0
}

func duplicateDescriptor(fd int) (int, syscall.Errno) {
	copied, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	return int(copied), errno
}

// Whether the process of a pidfd has ended, reaped or not.
func hasEnded(pidfd int) bool {
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

// The number of the process of a pidfd in this PID namespace; 0 where it has none, or /proc does not say.
func pidOfPidfd(pidfd int) int {
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

// fs.nr_open; 0 where it is not known.
func openFilesCeiling() uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return 0
	}
	ceiling, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return ceiling
}

// Whether the program runs with more rights than its caller has: the environment is then not to be trusted.
func isSecureExecution() bool {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return true
	}
	// What the kernel said at exec, AT_SECURE, also of file capabilities.
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return os.IsPermission(err)
	}
	const atSecure = 23
	size := int(unsafe.Sizeof(uintptr(0)))
	for ; len(auxv) >= 2*size; auxv = auxv[2*size:] {
		if word(auxv) == atSecure {
			return word(auxv[size:]) != 0
		}
	}
	return false
}

func word(bytes []byte) uintptr { return *(*uintptr)(unsafe.Pointer(&bytes[0])) }
