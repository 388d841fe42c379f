package procfs

import (
	"fmt"
	"os"
	"syscall"
)

// OpenFiles returns the number of open descriptors of the process with this directory in /proc, and false where it is
// hidden.
func OpenFiles(folder string) (uint64, bool) {
	var status syscall.Stat_t
	// Since Linux 6.2 the size of the directory is the number of descriptors, visible to every user. It is 0 before.
	if syscall.Stat(folder+"/fd", &status) == nil && status.Size > 0 {
		return uint64(status.Size), true
	}
	entries, err := os.ReadDir(folder + "/fd")
	if err != nil {
		return 0, false
	}
	if folder == fmt.Sprintf("/proc/%d", os.Getpid()) && len(entries) > 0 {
		// One of them is the descriptor that reads the directory.
		return uint64(len(entries) - 1), true
	}
	return uint64(len(entries)), true
}
