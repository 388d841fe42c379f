package procfs

import (
	"fmt"
	"os"
	"syscall"
)

func OpenFiles(folder string) (uint64, bool) {
	var status syscall.Stat_t
	// Since Linux 6.2 the folder's size is their number, for everyone to see; before, it is 0.
	if syscall.Stat(folder+"/fd", &status) == nil && status.Size > 0 {
		return uint64(status.Size), true
	}
	entries, err := os.ReadDir(folder + "/fd")
	if err != nil {
		return 0, false
	}
	if folder == fmt.Sprintf("/proc/%d", os.Getpid()) && len(entries) > 0 {
		// The one that we look through.
		return uint64(len(entries) - 1), true
	}
	return uint64(len(entries)), true
}
