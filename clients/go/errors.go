package rlimitd

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Code is a kind of failure. Each code is itself an error:
//
//	errors.Is(err, rlimitd.ErrDeniedByPolicy)
//
// tells whether err is of that kind.
type Code uint8

// The kinds of failure, each with its errno.
const (
	ErrInvalidArgument    Code = iota + 1 // an invalid value (EINVAL)
	ErrInvalidResource                    // no such resource (EINVAL)
	ErrSoftExceedsHard                    // the soft limit would be above the hard one (EINVAL)
	ErrNoSuchProcess                      // the process never existed, has ended, or is ending (ESRCH)
	ErrDeniedByPolicy                     // no rule grants the request, or a rule denies it (EPERM)
	ErrDeniedByKernel                     // the kernel refused the operation (EPERM)
	ErrAboveSystemCeiling                 // more open files than fs.nr_open (EPERM)
	ErrTargetChanged                      // the process changed its user or ended during the request (ESRCH)
	ErrConflict                           // the current limits are not the expected ones (EAGAIN)
	ErrQuotaExceeded                      // too many connections or leases (EDQUOT)
	ErrRateLimited                        // too many requests in a short time (EAGAIN)
	ErrDeadlineExceeded                   // no response before the deadline (ETIMEDOUT)
	ErrLeaseEnded                         // the lease has already ended (ENOENT)
	ErrPidfdRequired                      // a process id from a caller in another PID namespace (EBADF)
	ErrUnsupported                        // unknown to Linux, to this kernel, or to this agent (EOPNOTSUPP)
	ErrMalformed                          // the bytes are not the rlimitd protocol (EPROTO)
	ErrInternal                           // a fault of the agent (EIO)

	ErrAgentUnreachable // no agent accepts connections (the errno of connect(2))
	ErrUntrustedSocket  // a user who cannot start the agent controls the socket (EACCES)
	ErrConnectionLost   // the connection ended before the response; the request may have been carried out (ECONNRESET)
	ErrCancelled        // the context or the client ended; the request may have been carried out (ECANCELED)
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
	ErrTargetChanged:      {"TARGET_CHANGED", "the process changed its identity during the request", syscall.ESRCH},
	ErrConflict:           {"CONFLICT", "the limits are not as expected", syscall.EAGAIN},
	ErrQuotaExceeded:      {"QUOTA_EXCEEDED", "quota exceeded", syscall.EDQUOT},
	ErrRateLimited:        {"RATE_LIMITED", "too many requests; try again later", syscall.EAGAIN},
	ErrDeadlineExceeded:   {"DEADLINE_EXCEEDED", "no response in time", syscall.ETIMEDOUT},
	ErrLeaseEnded:         {"LEASE_ENDED", "the lease has ended", syscall.ENOENT},
	ErrPidfdRequired:      {"PIDFD_REQUIRED", "a caller in another PID namespace must send a pidfd", syscall.EBADF},
	ErrUnsupported:        {"UNSUPPORTED", "not supported", syscall.EOPNOTSUPP},
	ErrMalformed:          {"MALFORMED", "not the rlimitd protocol", syscall.EPROTO},
	ErrInternal:           {"INTERNAL", "internal error of the agent", syscall.EIO},
	ErrAgentUnreachable:   {"AGENT_UNREACHABLE", "the agent is not reachable", syscall.ECONNREFUSED},
	ErrUntrustedSocket:    {"UNTRUSTED_SOCKET", "another user controls the socket", syscall.EACCES},
	ErrConnectionLost:     {"CONNECTION_LOST", "the connection to the agent was lost", syscall.ECONNRESET},
	ErrCancelled:          {"CANCELLED", "cancelled", syscall.ECANCELED},
}

func (c Code) known() Code {
	if int(c) >= len(codes) {
		return 0
	}
	return c
}

// Error returns a short description.
func (c Code) Error() string { return codes[c.known()].summary }

// String returns the name in the protocol, such as "DENIED_BY_POLICY".
func (c Code) String() string { return codes[c.known()].name }

// Error is a failure of the kernel, of the agent, or of the connection. All errors of this package are of this type.
//
// errors.Is matches its Code, its errno (syscall.EPERM), the meaning of the errno (os.ErrPermission),
// context.DeadlineExceeded and context.Canceled.
type Error struct {
	Code Code
	// Errno comes from the failed system call, or else from Code.
	Errno syscall.Errno
	// Message is one sentence that names the fault and, where possible, a remedy.
	Message string
	// Resource that the error concerns; 0 if none.
	Resource Resource
	// EditIndex is the index of the edit that the error concerns, from 0; -1 if none.
	EditIndex int
	// Rule of the policy that denied the request.
	Rule string
	// Allowed is the maximum that the policy grants, where that is known.
	Allowed *Limit
	// RetryAfter is the time to wait before a retry; 0 where that is not known.
	RetryAfter time.Duration

	cause error
}

// Error returns Message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is implements the comparison of errors.Is.
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

// Timeout tells whether the deadline passed before the response.
func (e *Error) Timeout() bool { return e.Code == ErrDeadlineExceeded }

// Temporary tells whether the same call may succeed later.
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

// because keeps the errno of a failed system call.
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

// aboutItem returns a copy that names the edit, unless the error already names one.
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

// changedNothing tells whether the agent certainly changed no limit and cannot make the edits either.
func (e *Error) changedNothing() bool {
	switch e.Code {
	case ErrAgentUnreachable, ErrUntrustedSocket, ErrDeniedByPolicy, ErrDeniedByKernel, ErrAboveSystemCeiling,
		ErrUnsupported, ErrRateLimited, ErrQuotaExceeded, ErrPidfdRequired:
		return true
	}
	return false
}

// orNil converts to error. A nil *Error in an error interface is not nil, so every exported function uses it.
func (e *Error) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

func noSuchProcess(whom string) *Error {
	return newError(ErrNoSuchProcess, "no such process: %s has ended or never existed", whom)
}

// systemError returns the error for a system call that failed for a process.
func systemError(errno syscall.Errno, call, whom string) *Error {
	switch errno {
	case syscall.ESRCH, syscall.ENOENT:
		return noSuchProcess(whom)
	case syscall.EPERM, syscall.EACCES:
		return newError(ErrDeniedByKernel, "the kernel refused %s: %s: %s", whom, call, errno).because(errno)
	case syscall.EINVAL:
		return newError(ErrInvalidArgument, "the kernel rejects the value for %s", whom)
	case syscall.ENOSYS:
		return newError(ErrUnsupported, "this kernel has no %s", call).because(errno)
	}
	return newError(ErrInternal, "%s: %s: %s", whom, call, errno).because(errno)
}
