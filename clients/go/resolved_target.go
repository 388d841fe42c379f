package rlimitd

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	"github.com/rlimitd/rlimitd/clients/go/internal/procfs"
)

// resolvedTarget is the process that a call concerns. A pidfd identifies it during the call, even if its pid is reused.
type resolvedTarget struct {
	isCaller bool
	// Owned; -1 for the caller, and where pidfd_open(2) is not available.
	pidfd int
	// In this PID namespace; 0 where the process has none here or /proc does not show it.
	pid int
}

func resolveTarget(target Target) (*resolvedTarget, *Error) {
	caller := &resolvedTarget{isCaller: true, pidfd: -1, pid: os.Getpid()}
	switch target.kind {
	case pidTarget:
		pid := target.number
		if pid == caller.pid {
			return caller, nil
		}
		if pid <= 0 {
			return nil, newError(ErrInvalidArgument, "%d is not a process id", pid)
		}
		fd, errno := kernel.PidfdOpen(pid)
		switch errno {
		case 0:
			return (&resolvedTarget{pidfd: fd, pid: pid}).ifAlive()
		case syscall.EPERM, syscall.ENOSYS:
			// The seccomp filter of the container is older than pidfd_open(2).
			return &resolvedTarget{pidfd: -1, pid: pid}, nil
		}
		return nil, pidfdError(errno, fmt.Sprintf("process %d", pid))
	case pidfdTarget:
		fd, errno := kernel.Duplicate(target.number)
		if errno != 0 {
			return nil, newError(ErrInvalidArgument, "descriptor %d is not open", target.number).because(errno)
		}
		if !kernel.IsPidfd(fd) {
			_ = syscall.Close(fd)
			return nil, newError(ErrInvalidArgument, "descriptor %d is not a pidfd of a process", target.number)
		}
		t := &resolvedTarget{pidfd: fd, pid: kernel.PIDOfPidfd(fd)}
		if t.pid == caller.pid {
			t.close()
			return caller, nil
		}
		return t.ifAlive()
	}
	return caller, nil
}

// pidfdError converts the errno of pidfd_open(2). For a thread that is not a thread-group leader it is EINVAL before
// Linux 6.18 and ENOENT since.
func pidfdError(errno syscall.Errno, whom string) *Error {
	switch errno {
	case 0:
		return nil
	case syscall.ESRCH, syscall.EINVAL, syscall.ENOENT:
		return noSuchProcess(whom)
	}
	return systemError(errno, "pidfd_open", whom)
}

func (t *resolvedTarget) close() {
	if t.pidfd >= 0 {
		_ = syscall.Close(t.pidfd)
		t.pidfd = -1
	}
}

// ifAlive returns the target, or closes it and returns an error where the process has ended.
func (t *resolvedTarget) ifAlive() (*resolvedTarget, *Error) {
	if err := t.requireAlive(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// requireAlive fails where the process has ended, because a value read by its pid may then belong to another process.
func (t *resolvedTarget) requireAlive() *Error {
	if t.pidfd >= 0 && kernel.HasEnded(t.pidfd) {
		return noSuchProcess(t.name())
	}
	return nil
}

// startTime returns the start time of the process as the agent reads it, in clock ticks since boot. It returns false
// where /proc does not show it.
func (t *resolvedTarget) startTime() (uint64, bool) {
	if !kernel.IsInitialTimeNamespace() {
		return 0, false
	}
	stat, err := procfs.ReadStat(fmt.Sprintf("/proc/%d", t.pid))
	if err != nil || t.requireAlive() != nil {
		return 0, false
	}
	return stat.StartTime, true
}

// name returns a name for messages, such as "process 4242".
func (t *resolvedTarget) name() string {
	switch {
	case t.isCaller:
		return "this process"
	case t.pid > 0:
		return fmt.Sprintf("process %d", t.pid)
	}
	return "a process of another PID namespace"
}

func (t *resolvedTarget) kernelPID() int {
	if t.isCaller {
		return 0
	}
	return t.pid
}

func (t *resolvedTarget) read(r Resource) (Limit, *Error) {
	if !t.isCaller && t.pid == 0 {
		return Limit{}, newError(ErrDeniedByKernel, "%s has no pid in this PID namespace", t.name())
	}
	limit, errno := prlimit(t.kernelPID(), r, nil)
	if errno != 0 {
		return Limit{}, systemError(errno, "prlimit", t.name())
	}
	return limit, t.requireAlive()
}

// exchange sets both halves in one prlimit(2) and returns the old limits.
func (t *resolvedTarget) exchange(r Resource, new Limit) (Limit, *Error) {
	if !t.isCaller && t.pid == 0 {
		return Limit{}, newError(ErrDeniedByKernel, "%s has no pid in this PID namespace", t.name())
	}
	old, errno := prlimit(t.kernelPID(), r, &new)
	switch {
	case errno == syscall.EPERM:
		if ceiling := kernel.OpenFilesCeiling(); r == NoFile && ceiling > 0 && new.Hard > ceiling {
			err := newError(ErrAboveSystemCeiling, "%s %s is above fs.nr_open, which is %d", r, formatBound(new.Hard), ceiling)
			err.Resource, err.Allowed = r, &Limit{ceiling, ceiling}
			return Limit{}, err
		}
		err := newError(ErrDeniedByKernel, "the kernel refuses %s %s for %s (prlimit: %s)", r, new, t.name(), errno)
		err.Resource = r
		return Limit{}, err
	case errno != 0:
		err := systemError(errno, "prlimit", fmt.Sprintf("%s of %s", r, t.name()))
		err.Resource = r
		return Limit{}, err
	case t.isCaller:
		return old, nil
	}
	if err := t.requireAlive(); err != nil {
		t.undoOnReusedPID(r, old)
		return Limit{}, err
	}
	return old, nil
}

// undoOnReusedPID undoes an exchange that may have changed another process, because the pid was reused just before the
// call. It raises a lowered half again, as far as the kernel allows. It leaves a raised half, which does no harm.
func (t *resolvedTarget) undoOnReusedPID(r Resource, old Limit) {
	now, errno := prlimit(t.pid, r, nil)
	if errno != 0 {
		return
	}
	better := Limit{max(now.Soft, old.Soft), max(now.Hard, old.Hard)}
	if better != now {
		_, _ = prlimit(t.pid, r, &better)
	}
}

// readIfPermitted reads limits with prlimit(2). It returns nil where the kernel refuses; the kernel then also refuses
// changes.
func (t *resolvedTarget) readIfPermitted(resources []Resource) (Limits, *Error) {
	limits := make(Limits, len(resources))
	for _, r := range resources {
		limit, err := t.read(r)
		if err != nil {
			if err.Code == ErrDeniedByKernel {
				return nil, nil
			}
			return nil, err
		}
		limits[r] = limit
	}
	return limits, nil
}

// limits reads limits with prlimit(2), or else from /proc. It returns nil where neither is permitted.
func (t *resolvedTarget) limits(resources []Resource) (Limits, *Error) {
	limits, err := t.readIfPermitted(resources)
	if limits != nil || err != nil {
		return limits, err
	}
	if t.pid == 0 {
		return nil, nil
	}
	limitsInProc := procfs.Limits(t.pid)
	if err := t.requireAlive(); err != nil || limitsInProc == nil {
		return nil, err
	}
	limits = make(Limits, len(resources))
	for _, r := range resources {
		limits[r] = Limit(limitsInProc[r-1])
	}
	return limits, nil
}

// usage reads the usage of the process, or of one thread where thread is not 0, with getrusage(2) or from /proc. It
// returns nil where /proc hides the process.
func (t *resolvedTarget) usage(scope Scope, thread int) (*Usage, *Error) {
	var usage *Usage
	var err error
	switch {
	case t.isCaller && thread == 0:
		usage, err = ownUsage(scope)
	case t.pid == 0:
		return nil, nil
	case thread != 0:
		usage, err = threadUsage(t.pid, thread)
	default:
		usage, err = processUsage(t.pid, scope)
	}
	if gone := t.requireAlive(); gone != nil {
		return nil, gone
	}
	if err == nil {
		return usage, nil
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil, newError(ErrInternal, "%s: %s", t.name(), err)
	}
	switch errno {
	case syscall.EPERM, syscall.EACCES:
		return nil, nil
	case syscall.ENOENT:
		if thread != 0 {
			return nil, newError(ErrNoSuchProcess, "%s has no thread %d", t.name(), thread)
		}
		return nil, nil
	case syscall.ESRCH:
		return nil, noSuchProcess(t.name())
	}
	return nil, systemError(errno, "read of /proc", t.name())
}

// prlimit is prlimit(2) with the types of this package. The pid 0 is this process.
func prlimit(pid int, r Resource, new *Limit) (Limit, syscall.Errno) {
	old, errno := kernel.Prlimit(pid, r.kernelNumber(), (*kernel.Limit)(new))
	return Limit(old), errno
}
