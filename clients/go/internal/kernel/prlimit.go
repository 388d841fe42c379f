package kernel

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// Limit is struct rlimit64.
type Limit struct{ Soft, Hard uint64 }

// Prlimit sets a limit, unless new is nil, and returns the old limit. The pid 0 is this process: prlimit(2).
func Prlimit(pid int, resource uintptr, new *Limit) (Limit, syscall.Errno) {
	var old Limit
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), resource, uintptr(unsafe.Pointer(new)),
		uintptr(unsafe.Pointer(&old)), 0, 0)
	return old, errno
}

// LetChildrenInheritOpenFiles makes child processes inherit the current soft limit of open files: setrlimit(2).
//
// The Go runtime raises the soft limit of open files at the start of the program. It gives child processes the original
// soft limit until the program calls syscall.Setrlimit. A program that changes the limit wants the new limit in its
// children.
//
// The first call has the effect, and it must come before any request for a limit. It sets the limit that it has just
// read, and so would undo a change made in between.
func LetChildrenInheritOpenFiles() {
	openFilesInheritance.Lock()
	defer openFilesInheritance.Unlock()
	if openFilesInheritance.isSet {
		return
	}
	if now, errno := Prlimit(0, syscall.RLIMIT_NOFILE, nil); errno == 0 {
		failure := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: now.Soft, Max: now.Hard})
		openFilesInheritance.isSet = failure == nil
	}
}

var openFilesInheritance struct {
	sync.Mutex
	isSet bool
}

// OpenFilesCeiling returns fs.nr_open, or 0 where it is not readable.
func OpenFilesCeiling() uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return 0
	}
	ceiling, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return ceiling
}
