package kernel

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// A pair of limits as prlimit64(2) has it.
type Limit struct{ Soft, Hard uint64 }

// prlimit(2); 0 is this process.
func Prlimit(pid int, resource uintptr, new *Limit) (Limit, syscall.Errno) {
	var old Limit
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), resource, uintptr(unsafe.Pointer(new)),
		uintptr(unsafe.Pointer(&old)), 0, 0)
	return old, errno
}

// The Go runtime raised the soft limit of open files when the program began, and gives children the one there was before
// until the program sets that limit itself, by this call. Whoever asks for a limit means children too.
//
// Once, and before the first is asked for: it sets what there was a moment ago, and would take back what was granted since.
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

// fs.nr_open; 0 where it is not known.
func OpenFilesCeiling() uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return 0
	}
	ceiling, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return ceiling
}
