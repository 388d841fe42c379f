package kernel

import (
	"sync"
	"syscall"
)

var standardStreams sync.Once

// OccupyStandardStreams opens a placeholder for each of the descriptors 0, 1 and 2 that is closed.
//
// Otherwise the connection to the agent could get such a number, and the agent would receive what the program writes to
// the stream. The runtime of later versions of Go does the same. Writes to a placeholder fail with EBADF, as to a closed
// descriptor, and programs that this process executes find the number closed.
func OccupyStandardStreams() {
	standardStreams.Do(func() {
		for stream := 0; stream <= 2; stream++ {
			if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(stream), syscall.F_GETFD, 0); errno != syscall.EBADF {
				continue
			}
			// Another thread may get the number first. Then it is not closed any more.
			if number, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err == nil && number > 2 {
				syscall.Close(number)
			}
		}
	})
}
