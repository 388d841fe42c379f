package rlimitd

import (
	"fmt"
	"os"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
)

// Target is the process that a call is about.
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

// Self is the process that calls, and what a zero Target means.
var Self = Target{}

// PID is the process that has this number now, in the PID namespace of the caller. It is held by a pidfd for as long as
// the call lasts.
func PID(pid int) Target { return Target{pidTarget, pid} }

// Pidfd is the process of a pidfd, as from OpenProcess, which stays the caller's and must stay open for as long as the call
// lasts.
func Pidfd(fd int) Target { return Target{pidfdTarget, fd} }

// OpenProcess takes hold of the process that has this number now, by a pidfd (pidfd_open(2)): Pidfd(int(file.Fd())) means this
// very process, though its number may be given to another once it has ended.
func OpenProcess(pid int) (*os.File, error) {
	if pid <= 0 {
		return nil, newError(ErrInvalidArgument, "%d is no process id", pid)
	}
	name := fmt.Sprintf("process %d", pid)
	fd, errno := kernel.PidfdOpen(pid)
	if err := pidfdError(errno, name); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Group is many processes: those of a cgroup or of a pod. Each is judged for itself, by the agent.
type Group struct {
	isPod bool
	path  string
	named bool
}

// Cgroup is every process in a cgroup of the unified hierarchy and in those below it, by its path from the root.
func Cgroup(path string) Group { return Group{path: path, named: true} }

// Pod is every process in a pod, by the path of its cgroup or of one below it.
func Pod(path string) Group { return Group{isPod: true, path: path, named: true} }

// OwnCgroup is the cgroup of the caller.
func OwnCgroup() Group { return Group{} }

// OwnPod is the pod of the caller.
func OwnPod() Group { return Group{isPod: true} }

// On the wire no path is the caller's own; nobody shall mean that by a string that happens to be empty.
func (g Group) check() *Error {
	if g.named && g.path == "" {
		return newError(ErrInvalidArgument, "the path of a cgroup is empty")
	}
	return nil
}
