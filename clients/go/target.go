package rlimitd

import (
	"fmt"
	"os"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
)

// Target is the process that a call concerns.
type Target struct {
	kind   targetKind
	number int
}

type targetKind uint8

const (
	selfTarget targetKind = iota
	pidTarget
	pidfdTarget
)

// Self is the calling process. It is the zero value of Target.
var Self = Target{}

// PID is the process with this pid in the PID namespace of the caller. The client holds a pidfd of it during the call.
func PID(pid int) Target { return Target{pidTarget, pid} }

// Pidfd is the process of a pidfd, such as one from OpenProcess. The caller keeps the descriptor open during the call.
func Pidfd(fd int) Target { return Target{pidfdTarget, fd} }

// OpenProcess opens a pidfd of the process with this pid: pidfd_open(2). Pidfd(int(file.Fd())) then always is this
// process, even if its pid is reused.
func OpenProcess(pid int) (*os.File, error) {
	if pid <= 0 {
		return nil, newError(ErrInvalidArgument, "%d is not a process id", pid)
	}
	name := fmt.Sprintf("process %d", pid)
	fd, errno := kernel.PidfdOpen(pid)
	if err := pidfdError(errno, name); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Group is all processes of a cgroup or of a pod. The policy decides for each process separately.
type Group struct {
	isPod bool
	path  string
	named bool
}

// Cgroup is all processes in a cgroup of the unified hierarchy and in its descendants. The path starts at the root
// cgroup.
func Cgroup(path string) Group { return Group{path: path, named: true} }

// Pod is all processes in a pod. The path names the cgroup of the pod or a descendant of it.
func Pod(path string) Group { return Group{isPod: true, path: path, named: true} }

// OwnCgroup is the cgroup of the caller.
func OwnCgroup() Group { return Group{} }

// OwnPod is the pod of the caller.
func OwnPod() Group { return Group{isPod: true} }

// check rejects an empty path. In the protocol an absent path is the caller's own group, which only OwnCgroup and
// OwnPod request.
func (g Group) check() *Error {
	if g.named && g.path == "" {
		return newError(ErrInvalidArgument, "the path of a cgroup is empty")
	}
	return nil
}
