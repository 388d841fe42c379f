"""The errors of this package. Every error is an `RlimitError`, and so an `OSError` with an ``errno``.

An error with a counterpart among Python's built-in exceptions is also of that class, so ``except PermissionError``
and similar clauses catch it.
"""

from __future__ import annotations

import enum
import errno as _errno
from typing import Any, Dict, Optional, Tuple, Type

from ._limits import Limit, Resource

__all__ = [
    "AgentUnreachableError",
    "BusyError",
    "Code",
    "ConflictError",
    "ConnectionLostError",
    "DeadlineExceededError",
    "DeniedError",
    "InvalidRequestError",
    "LeaseEndedError",
    "NoSuchProcessError",
    "RlimitError",
    "UnsupportedError",
    "UntrustedSocketError",
]


class Code(str, enum.Enum):
    """The kinds of failure, as the protocol names them; the last four are the client's own."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    INVALID_RESOURCE = "INVALID_RESOURCE"
    SOFT_EXCEEDS_HARD = "SOFT_EXCEEDS_HARD"
    NO_SUCH_PROCESS = "NO_SUCH_PROCESS"
    DENIED_BY_POLICY = "DENIED_BY_POLICY"
    DENIED_BY_KERNEL = "DENIED_BY_KERNEL"
    ABOVE_SYSTEM_CEILING = "ABOVE_SYSTEM_CEILING"
    TARGET_CHANGED = "TARGET_CHANGED"
    CONFLICT = "CONFLICT"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    LEASE_ENDED = "LEASE_ENDED"
    PIDFD_REQUIRED = "PIDFD_REQUIRED"
    UNSUPPORTED = "UNSUPPORTED"
    MALFORMED = "MALFORMED"
    INTERNAL = "INTERNAL"
    AGENT_UNREACHABLE = "AGENT_UNREACHABLE"
    UNTRUSTED_SOCKET = "UNTRUSTED_SOCKET"
    CONNECTION_LOST = "CONNECTION_LOST"
    CANCELLED = "CANCELLED"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(str(self.value), spec)


# The errno of each code if the kernel set none, and the message if there is no other.
_DEFAULTS: Dict[Code, Tuple[int, str]] = {
    Code.INVALID_ARGUMENT: (_errno.EINVAL, "invalid argument"),
    Code.INVALID_RESOURCE: (_errno.EINVAL, "no such resource"),
    Code.SOFT_EXCEEDS_HARD: (_errno.EINVAL, "the soft limit is above the hard limit"),
    Code.NO_SUCH_PROCESS: (_errno.ESRCH, "no such process"),
    Code.DENIED_BY_POLICY: (_errno.EPERM, "refused by policy"),
    Code.DENIED_BY_KERNEL: (_errno.EPERM, "refused by the kernel"),
    Code.ABOVE_SYSTEM_CEILING: (_errno.EPERM, "above fs.nr_open"),
    Code.TARGET_CHANGED: (_errno.ESRCH, "the process changed its identity meanwhile"),
    Code.CONFLICT: (_errno.EAGAIN, "the limits are not as expected"),
    Code.QUOTA_EXCEEDED: (_errno.EDQUOT, "quota exceeded"),
    Code.RATE_LIMITED: (_errno.EAGAIN, "too many requests; try again later"),
    Code.DEADLINE_EXCEEDED: (_errno.ETIMEDOUT, "no answer in time"),
    Code.LEASE_ENDED: (_errno.ENOENT, "the lease has ended"),
    Code.PIDFD_REQUIRED: (_errno.EBADF, "a caller in another PID namespace must send a pidfd"),
    Code.UNSUPPORTED: (_errno.EOPNOTSUPP, "not supported"),
    Code.MALFORMED: (_errno.EPROTO, "not the rlimitd protocol"),
    Code.INTERNAL: (_errno.EIO, "internal error of the agent"),
    Code.AGENT_UNREACHABLE: (_errno.ECONNREFUSED, "the agent is not reachable"),
    Code.UNTRUSTED_SOCKET: (_errno.EACCES, "the socket is not trusted"),
    Code.CONNECTION_LOST: (_errno.ECONNRESET, "the connection to the agent was lost"),
    Code.CANCELLED: (_errno.ECANCELED, "cancelled"),
}

_TRANSIENT = frozenset(
    {
        Code.TARGET_CHANGED,
        Code.CONFLICT,
        Code.QUOTA_EXCEEDED,
        Code.RATE_LIMITED,
        Code.DEADLINE_EXCEEDED,
        Code.AGENT_UNREACHABLE,
        Code.CONNECTION_LOST,
    }
)


class RlimitError(OSError):
    """An operation failed in the kernel, in the agent, or on the connection to the agent.

    Programs use ``code``, users read ``message``. The other attributes are None if unknown: the resource, the index of
    the edit in its batch (from 0), the policy rule, the maximum limits that are ``allowed``, and the time in
    milliseconds after which another attempt may succeed.
    """

    errno: int
    code: Code
    message: str
    resource: Optional[Resource]
    edit_index: Optional[int]
    rule: Optional[str]
    allowed: Optional[Limit]
    retry_after_ms: Optional[int]

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        errno: Optional[int] = None,
        resource: Optional[Resource] = None,
        edit_index: Optional[int] = None,
        rule: Optional[str] = None,
        allowed: Optional[Limit] = None,
        retry_after_ms: Optional[int] = None,
    ) -> None:
        number, summary = _DEFAULTS[code]
        self.code = code
        self.message = message or summary
        self.resource = resource
        self.edit_index = edit_index
        self.rule = rule
        self.allowed = allowed
        self.retry_after_ms = retry_after_ms
        super().__init__(number if errno is None else errno, self.message)

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.code in _TRANSIENT

    def details(self) -> Dict[str, Any]:
        """All attributes except the code and the message, by name."""
        return {
            "errno": self.errno,
            "resource": self.resource,
            "edit_index": self.edit_index,
            "rule": self.rule,
            "allowed": self.allowed,
            "retry_after_ms": self.retry_after_ms,
        }

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code}, {self.message!r})"

    def __reduce__(self) -> Tuple[Any, ...]:
        return _unpickle, (self.code, self.message, self.details())


class InvalidRequestError(RlimitError, ValueError):
    """INVALID_ARGUMENT, INVALID_RESOURCE, SOFT_EXCEEDS_HARD."""


class NoSuchProcessError(RlimitError, ProcessLookupError):
    """NO_SUCH_PROCESS, TARGET_CHANGED."""


class DeniedError(RlimitError, PermissionError):
    """DENIED_BY_POLICY, DENIED_BY_KERNEL, ABOVE_SYSTEM_CEILING."""


class ConflictError(RlimitError):
    """CONFLICT."""


class BusyError(RlimitError):
    """QUOTA_EXCEEDED, RATE_LIMITED."""


class DeadlineExceededError(RlimitError, TimeoutError):
    """DEADLINE_EXCEEDED. A change may have been made."""


class LeaseEndedError(RlimitError):
    """LEASE_ENDED."""


class UnsupportedError(RlimitError):
    """UNSUPPORTED."""


class AgentUnreachableError(RlimitError, ConnectionError):
    """AGENT_UNREACHABLE: no agent answers at the socket."""


class UntrustedSocketError(RlimitError, PermissionError):
    """UNTRUSTED_SOCKET: another user could have placed the socket at its path."""


class ConnectionLostError(RlimitError, ConnectionError):
    """CONNECTION_LOST: the connection ended before the response came. A change may have been made."""


_CLASSES: Dict[Code, Type[RlimitError]] = {
    Code.INVALID_ARGUMENT: InvalidRequestError,
    Code.INVALID_RESOURCE: InvalidRequestError,
    Code.SOFT_EXCEEDS_HARD: InvalidRequestError,
    Code.NO_SUCH_PROCESS: NoSuchProcessError,
    Code.TARGET_CHANGED: NoSuchProcessError,
    Code.DENIED_BY_POLICY: DeniedError,
    Code.DENIED_BY_KERNEL: DeniedError,
    Code.ABOVE_SYSTEM_CEILING: DeniedError,
    Code.CONFLICT: ConflictError,
    Code.QUOTA_EXCEEDED: BusyError,
    Code.RATE_LIMITED: BusyError,
    Code.DEADLINE_EXCEEDED: DeadlineExceededError,
    Code.LEASE_ENDED: LeaseEndedError,
    Code.UNSUPPORTED: UnsupportedError,
    Code.AGENT_UNREACHABLE: AgentUnreachableError,
    Code.UNTRUSTED_SOCKET: UntrustedSocketError,
    Code.CONNECTION_LOST: ConnectionLostError,
}


def make_error(code: Code, message: str = "", **details: Any) -> RlimitError:
    """An error of the class for the code."""
    return _CLASSES.get(code, RlimitError)(code, message, **details)


def _unpickle(code: Code, message: str, details: Dict[str, Any]) -> RlimitError:
    return make_error(code, message, **details)


def replace_details(error: RlimitError, **details: Any) -> RlimitError:
    """A copy of the error with other details or another message."""
    message = details.pop("message", error.message)
    return make_error(error.code, message, **{**error.details(), **details})


def attributed(error: RlimitError, resource: Resource, edit_index: int) -> RlimitError:
    """A copy of the error with the resource and the edit index, if it has none."""
    return replace_details(
        error,
        resource=error.resource or resource,
        edit_index=edit_index if error.edit_index is None else error.edit_index,
    )
