package rlimitd

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// A process that a call is about, held for as long as the call lasts, so that its number cannot come to mean another.
type subject struct {
	isCaller bool
	// Ours, to be closed; -1 of the caller, and where there are no pidfds.
	pidfd int
	// In this PID namespace; 0 where it has none or /proc does not tell.
	number int
}

func holdSubject(target Target) (*subject, *Error) {
	caller := &subject{isCaller: true, pidfd: -1, number: os.Getpid()}
	switch target.kind {
	case pidTarget:
		pid := target.number
		if pid == caller.number {
			return caller, nil
		}
		if pid <= 0 {
			return nil, newError(ErrInvalidArgument, "%d is no process id", pid)
		}
		fd, errno := pidfdOpen(pid)
		switch errno {
		case 0:
			return (&subject{pidfd: fd, number: pid}).alive()
		case syscall.EPERM, syscall.ENOSYS:
			// A container whose filter of system calls is older than pidfds.
			return &subject{pidfd: -1, number: pid}, nil
		}
		return nil, pidfdError(errno, fmt.Sprintf("process %d", pid))
	case pidfdTarget:
		fd, errno := duplicate(target.number)
		if errno != 0 {
			return nil, newError(ErrInvalidArgument, "descriptor %d is not open", target.number).because(errno)
		}
		if !isPidfd(fd) {
			_ = syscall.Close(fd)
			return nil, newError(ErrInvalidArgument, "descriptor %d is no pidfd of a process", target.number)
		}
		s := &subject{pidfd: fd, number: processNumber(fd)}
		if s.number == caller.number {
			s.letGo()
			return caller, nil
		}
		return s.alive()
	}
	return caller, nil
}

// Of a thread that leads no process it is EINVAL before Linux 6.18 and ENOENT since.
func pidfdError(errno syscall.Errno, whom string) *Error {
	switch errno {
	case 0:
		return nil
	case syscall.ESRCH, syscall.EINVAL, syscall.ENOENT:
		return noSuchProcess(whom)
	}
	return systemError(errno, "pidfd_open", whom)
}

func (s *subject) letGo() {
	if s.pidfd >= 0 {
		_ = syscall.Close(s.pidfd)
		s.pidfd = -1
	}
}

// It, or nothing where it has ended.
func (s *subject) alive() (*subject, *Error) {
	if err := s.requireAlive(); err != nil {
		s.letGo()
		return nil, err
	}
	return s, nil
}

// What was read by the number of a process that has ended may be another's.
func (s *subject) requireAlive() *Error {
	if s.pidfd >= 0 && hasEnded(s.pidfd) {
		return noSuchProcess(s.name())
	}
	return nil
}

// As in "process 4242".
func (s *subject) name() string {
	switch {
	case s.isCaller:
		return "this process"
	case s.number > 0:
		return fmt.Sprintf("process %d", s.number)
	}
	return "a process of another PID namespace"
}

func (s *subject) ofKernel() int {
	if s.isCaller {
		return 0
	}
	return s.number
}

func (s *subject) read(r Resource) (Limit, *Error) {
	if !s.isCaller && s.number == 0 {
		return Limit{}, newError(ErrDeniedByKernel, "%s has no number here", s.name())
	}
	limit, errno := prlimit(s.ofKernel(), r, nil)
	if errno != 0 {
		return Limit{}, systemError(errno, "prlimit", s.name())
	}
	return limit, s.requireAlive()
}

// Sets both halves at once and returns what they were.
func (s *subject) exchange(r Resource, new Limit) (Limit, *Error) {
	if !s.isCaller && s.number == 0 {
		return Limit{}, newError(ErrDeniedByKernel, "%s has no number here", s.name())
	}
	old, errno := prlimit(s.ofKernel(), r, &new)
	switch {
	case errno == syscall.EPERM:
		if ceiling := openFilesCeiling(); r == NoFile && ceiling > 0 && new.Hard > ceiling {
			err := newError(ErrAboveSystemCeiling, "%s %s is above fs.nr_open, which is %d", r, boundText(new.Hard), ceiling)
			err.Resource, err.Allowed = r, &Limit{ceiling, ceiling}
			return Limit{}, err
		}
		err := newError(ErrDeniedByKernel, "the kernel refuses %s %s for %s (prlimit: %s)", r, new, s.name(), errno)
		err.Resource = r
		return Limit{}, err
	case errno != 0:
		err := systemError(errno, "prlimit", fmt.Sprintf("%s of %s", r, s.name()))
		err.Resource = r
		return Limit{}, err
	case s.isCaller:
		return old, nil
	}
	if err := s.requireAlive(); err != nil {
		s.giveBack(r, old)
		return Limit{}, err
	}
	return old, nil
}

// The number may have been given to another process just before the call. What was raised there is left, since it does no
// harm, and what was lowered is raised again as far as that goes.
func (s *subject) giveBack(r Resource, old Limit) {
	now, errno := prlimit(s.number, r, nil)
	if errno != 0 {
		return
	}
	better := Limit{greatest(now.Soft, old.Soft), greatest(now.Hard, old.Hard)}
	if better != now {
		_, _ = prlimit(s.number, r, &better)
	}
}

// What prlimit(2) tells of these; nil where it refuses, as it then refuses every change too.
func (s *subject) readIfOwned(resources []Resource) (Limits, *Error) {
	limits := make(Limits, len(resources))
	for _, r := range resources {
		limit, err := s.read(r)
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

// What the kernel tells of these, or else /proc; nil where both keep it to themselves.
func (s *subject) limits(resources []Resource) (Limits, *Error) {
	limits, err := s.readIfOwned(resources)
	if limits != nil || err != nil {
		return limits, err
	}
	if s.number == 0 {
		return nil, nil
	}
	shown := shownLimits(s.number)
	if err := s.requireAlive(); err != nil || shown == nil {
		return nil, err
	}
	limits = make(Limits, len(resources))
	for _, r := range resources {
		limits[r] = shown[r]
	}
	return limits, nil
}

// What getrusage(2) or /proc tells, of all of it or of one thread; nil where /proc hides the process.
func (s *subject) usage(scope Scope, thread int) (*Usage, *Error) {
	var usage *Usage
	var err error
	switch {
	case s.isCaller && thread == 0:
		usage, err = ownUsage(scope)
	case s.number == 0:
		return nil, nil
	case thread != 0:
		usage, err = threadUsage(s.number, thread)
	default:
		usage, err = processUsage(s.number, scope)
	}
	if gone := s.requireAlive(); gone != nil {
		return nil, gone
	}
	if err == nil {
		return usage, nil
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil, newError(ErrInternal, "%s: %s", s.name(), err)
	}
	switch errno {
	case syscall.EPERM, syscall.EACCES:
		return nil, nil
	case syscall.ENOENT:
		if thread != 0 {
			return nil, newError(ErrNoSuchProcess, "%s has no thread %d", s.name(), thread)
		}
		return nil, nil
	case syscall.ESRCH:
		return nil, noSuchProcess(s.name())
	}
	return nil, systemError(errno, "read of /proc", s.name())
}
