package rlimitd

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Code is a kind of failure. Each is an error itself, so that
//
//	errors.Is(err, rlimitd.ErrDeniedByPolicy)
//
// says whether err is of that kind.
type Code uint8

// The kinds of failure, each with the errno that fits it.
const (
	ErrInvalidArgument    Code = iota + 1 // a value that makes no sense here (EINVAL)
	ErrInvalidResource                    // no such resource (EINVAL)
	ErrSoftExceedsHard                    // the soft limit would be above the hard one (EINVAL)
	ErrNoSuchProcess                      // the process never was, has ended, or is ending (ESRCH)
	ErrDeniedByPolicy                     // no rule grants it, or one forbids it (EPERM)
	ErrDeniedByKernel                     // the kernel refused it (EPERM)
	ErrAboveSystemCeiling                 // more open files than fs.nr_open (EPERM)
	ErrTargetChanged                      // the process became another user's, or ended, meanwhile (ESRCH)
	ErrConflict                           // the limits are not those that were expected (EAGAIN)
	ErrQuotaExceeded                      // too many connections or leases (EDQUOT)
	ErrRateLimited                        // too many requests in too little time (EAGAIN)
	ErrDeadlineExceeded                   // no answer in the time that was given (ETIMEDOUT)
	ErrLeaseEnded                         // the lease ended before (ENOENT)
	ErrPidfdRequired                      // a process id from a caller in another PID namespace (EBADF)
	ErrUnsupported                        // not on Linux, not on this kernel, or not in this agent (EOPNOTSUPP)
	ErrMalformed                          // bytes that are not the protocol (EPROTO)
	ErrInternal                           // the agent's own fault (EIO)

	ErrAgentUnreachable // nobody answers at the socket (what connect(2) said)
	ErrUntrustedSocket  // the socket belongs to somebody who could not have started the agent (EACCES)
	ErrConnectionLost   // the connection ended before the answer came; it may have been carried out (ECONNRESET)
	ErrCancelled        // the context was cancelled, or the client closed; it may have been carried out (ECANCELED)
)

var codes = [...]struct {
	name, summary string
	errno         syscall.Errno
}{
	0:                     {"UNSPECIFIED", "failed", syscall.EIO},
	ErrInvalidArgument:    {"INVALID_ARGUMENT", "invalid argument", syscall.EINVAL},
	ErrInvalidResource:    {"INVALID_RESOURCE", "no such resource", syscall.EINVAL},
	ErrSoftExceedsHard:    {"SOFT_EXCEEDS_HARD", "the soft limit is above the hard limit", syscall.EINVAL},
	ErrNoSuchProcess:      {"NO_SUCH_PROCESS", "no such process", syscall.ESRCH},
	ErrDeniedByPolicy:     {"DENIED_BY_POLICY", "refused by policy", syscall.EPERM},
	ErrDeniedByKernel:     {"DENIED_BY_KERNEL", "refused by the kernel", syscall.EPERM},
	ErrAboveSystemCeiling: {"ABOVE_SYSTEM_CEILING", "above fs.nr_open", syscall.EPERM},
	ErrTargetChanged:      {"TARGET_CHANGED", "the process changed its identity meanwhile", syscall.ESRCH},
	ErrConflict:           {"CONFLICT", "the limits are not as expected", syscall.EAGAIN},
	ErrQuotaExceeded:      {"QUOTA_EXCEEDED", "quota exceeded", syscall.EDQUOT},
	ErrRateLimited:        {"RATE_LIMITED", "too many requests; try again later", syscall.EAGAIN},
	ErrDeadlineExceeded:   {"DEADLINE_EXCEEDED", "no answer in time", syscall.ETIMEDOUT},
	ErrLeaseEnded:         {"LEASE_ENDED", "the lease has ended", syscall.ENOENT},
	ErrPidfdRequired:      {"PIDFD_REQUIRED", "a caller in another PID namespace must send a pidfd", syscall.EBADF},
	ErrUnsupported:        {"UNSUPPORTED", "not supported", syscall.EOPNOTSUPP},
	ErrMalformed:          {"MALFORMED", "not the rlimitd protocol", syscall.EPROTO},
	ErrInternal:           {"INTERNAL", "internal error of the agent", syscall.EIO},
	ErrAgentUnreachable:   {"AGENT_UNREACHABLE", "the agent is not reachable", syscall.ECONNREFUSED},
	ErrUntrustedSocket:    {"UNTRUSTED_SOCKET", "the socket belongs to somebody else", syscall.EACCES},
	ErrConnectionLost:     {"CONNECTION_LOST", "the connection to the agent was lost", syscall.ECONNRESET},
	ErrCancelled:          {"CANCELLED", "cancelled", syscall.ECANCELED},
}

func (c Code) known() Code {
	if int(c) >= len(codes) {
		return 0
	}
	return c
}

// Error returns a few words for people.
func (c Code) Error() string { return codes[c.known()].summary }

// String returns the name of the protocol, such as "DENIED_BY_POLICY".
func (c Code) String() string { return codes[c.known()].name }

// Error is why something was not done, from the kernel, the agent, or the way to the agent. Every error that this package
// returns is one.
//
// errors.Is knows it by its Code, by its errno (syscall.EPERM) and what the errno stands for (os.ErrPermission), and by
// context.DeadlineExceeded and context.Canceled.
type Error struct {
	Code Code
	// Errno is the kernel's where it set one, else the one that fits Code.
	Errno syscall.Errno
	// Message is one sentence that names what was wrong and, where there is one, what would be right.
	Message string
	// Resource it is about; 0 if none.
	Resource Resource
	// EditIndex of the edits it is about, from 0; -1 if none.
	EditIndex int
	// Rule of the policy that refused.
	Rule string
	// Allowed is the most that would have been granted, where that is known.
	Allowed *Limit
	// RetryAfter is how long to wait before another try, where that may help.
	RetryAfter time.Duration

	cause error
}

// Error returns the message: it is a whole sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the error that led to this one, if one did.
func (e *Error) Unwrap() error { return e.cause }

// Is says whether the error is of that kind; for errors.Is.
func (e *Error) Is(target error) bool {
	if code, ok := target.(Code); ok {
		return e.Code == code
	}
	switch target {
	case context.DeadlineExceeded:
		return e.Code == ErrDeadlineExceeded
	case context.Canceled:
		return e.Code == ErrCancelled && e.cause == nil
	}
	return e.Errno == target || e.Errno.Is(target)
}

// Timeout says whether no answer came in time.
func (e *Error) Timeout() bool { return e.Code == ErrDeadlineExceeded }

// Temporary says whether the same call may succeed later: "not now", as against "never".
func (e *Error) Temporary() bool {
	switch e.Code {
	case ErrTargetChanged, ErrConflict, ErrRateLimited, ErrQuotaExceeded, ErrDeadlineExceeded, ErrAgentUnreachable,
		ErrConnectionLost:
		return true
	}
	return false
}

func newError(code Code, format string, values ...any) *Error {
	return &Error{Code: code, Errno: codes[code.known()].errno, Message: fmt.Sprintf(format, values...), EditIndex: -1}
}

// Of a system call, whose errno is kept.
func (e *Error) because(errno syscall.Errno) *Error {
	e.Errno = errno
	return e
}

func (e *Error) ofEdit(index int) *Error {
	e.EditIndex = index
	return e
}

func (e *Error) about(r Resource, index int) *Error {
	e.Resource = r
	e.EditIndex = index
	return e
}

// The same, naming the edit where it names none.
func (e *Error) aboutItem(i *planItem) *Error {
	named := *e
	if named.Resource == 0 {
		named.Resource = i.edit.Resource
	}
	if named.EditIndex < 0 {
		named.EditIndex = i.index
	}
	return &named
}

// Whether the agent, by saying this, or by not being there, has surely changed nothing and is no help either.
func (e *Error) changedNothing() bool {
	switch e.Code {
	case ErrAgentUnreachable, ErrUntrustedSocket, ErrDeniedByPolicy, ErrDeniedByKernel, ErrAboveSystemCeiling,
		ErrUnsupported, ErrRateLimited, ErrQuotaExceeded, ErrPidfdRequired:
		return true
	}
	return false
}

// A nil *Error is no nil error: what leaves the package goes through here.
func (e *Error) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

func noSuchProcess(whom string) *Error {
	return newError(ErrNoSuchProcess, "no such process: %s has ended or never was", whom)
}

// What a failed system call about a process means to whoever asked for it.
func systemError(errno syscall.Errno, call, whom string) *Error {
	switch errno {
	case syscall.ESRCH, syscall.ENOENT:
		return noSuchProcess(whom)
	case syscall.EPERM, syscall.EACCES:
		return newError(ErrDeniedByKernel, "the kernel refused %s: %s: %s", whom, call, errno).because(errno)
	case syscall.EINVAL:
		return newError(ErrInvalidArgument, "the kernel takes no such value for %s", whom)
	case syscall.ENOSYS:
		return newError(ErrUnsupported, "this kernel has no %s", call).because(errno)
	}
	return newError(ErrInternal, "%s: %s: %s", whom, call, errno).because(errno)
}
