"""prlimit(2), getrusage(2) and fs.nr_open. No other module makes these calls."""

from __future__ import annotations

import errno
import resource as _standard
from typing import Dict, List, Optional

from .._limits import UNLIMITED, Limit, Resource, format_bound
from ..errors import Code, RlimitError, make_error

# The numbers of RLIMIT_* depend on the processor. The standard library knows most of them; the ones that it may not
# know are the same on all processors.
_GENERIC_NUMBERS = {
    Resource.LOCKS: 10,
    Resource.SIGPENDING: 11,
    Resource.MSGQUEUE: 12,
    Resource.NICE: 13,
    Resource.RTPRIO: 14,
    Resource.RTTIME: 15,
}
RESOURCE_NUMBERS: Dict[Resource, int] = {
    known: getattr(_standard, f"RLIMIT_{known.name}", _GENERIC_NUMBERS.get(known, -1)) for known in Resource
}

# Before Python 3.15 the standard library returns values from 2^63 up, including infinity, as negative numbers.
_SIGNED = _standard.RLIM_INFINITY < 0


def to_standard(bound: int) -> int:
    """Converts one half of a limit to the number that the standard library uses."""
    return bound - 2**64 if _SIGNED and bound >= 2**63 else bound


def from_standard(bound: int) -> int:
    """Converts a number of the standard library to one half of a limit."""
    return bound & UNLIMITED


def get_limit(pid: int, resource: Resource, name: str) -> Limit:
    """The current limits of a process; pid 0 is the caller. Raises DENIED_BY_KERNEL, NO_SUCH_PROCESS. prlimit(2)."""
    try:
        soft, hard = _standard.prlimit(pid, RESOURCE_NUMBERS[resource])
    except OSError as error:
        raise system_error(error, name, resource) from error
    return Limit(from_standard(soft), from_standard(hard))


def set_limit(pid: int, resource: Resource, new: Limit, name: str) -> Limit:
    """Sets both halves and returns the previous limits. Also raises ABOVE_SYSTEM_CEILING. prlimit(2)."""
    wanted = to_standard(new.soft), to_standard(new.hard)
    try:
        soft, hard = _standard.prlimit(pid, RESOURCE_NUMBERS[resource], wanted)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise _eperm_error(error, resource, new, name) from error
        raise system_error(error, name, resource) from error
    except ValueError as error:
        message = f"the kernel does not accept this value for {resource} of {name}"
        raise make_error(Code.INVALID_ARGUMENT, message) from error
    return Limit(from_standard(soft), from_standard(hard))


def read_nr_open() -> Optional[int]:
    """``fs.nr_open``, the maximum of a limit on open files; None where /proc does not show it."""
    try:
        with open("/proc/sys/fs/nr_open", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def system_error(error: OSError, name: str, resource: Optional[Resource] = None) -> RlimitError:
    """The error for a failed system call about a process. ``name`` is the process in the message."""
    what = f"{resource} of {name}" if resource else name
    if error.errno in (errno.ESRCH, errno.ENOENT):
        message = f"no such process: {name} has ended or never existed"
        return make_error(Code.NO_SUCH_PROCESS, message, resource=resource)
    if error.errno in (errno.EPERM, errno.EACCES):
        message = f"the kernel refused {what}: {error.strerror}"
        return make_error(Code.DENIED_BY_KERNEL, message, errno=error.errno, resource=resource)
    return make_error(Code.INTERNAL, f"{what}: {error.strerror}", errno=error.errno, resource=resource)


# The kernel also returns EPERM for a hard limit above fs.nr_open.
def _eperm_error(error: OSError, resource: Resource, new: Limit, name: str) -> RlimitError:
    ceiling = read_nr_open() if resource is Resource.NOFILE else None
    if ceiling is not None and new.hard > ceiling:
        return make_error(
            Code.ABOVE_SYSTEM_CEILING,
            f"{resource} {format_bound(new.hard)} is above fs.nr_open, which is {ceiling}",
            resource=resource,
            allowed=Limit(ceiling, ceiling),
        )
    message = f"the kernel refuses {resource} {new} for {name} (prlimit: {error.strerror})"
    return make_error(Code.DENIED_BY_KERNEL, message, errno=error.errno, resource=resource)


SELF, CHILDREN, THREAD = _standard.RUSAGE_SELF, _standard.RUSAGE_CHILDREN, _standard.RUSAGE_THREAD


def getrusage(who: int) -> List[int]:
    """The sixteen fields of getrusage(2) in the protocol's units: times in microseconds, the resident size in bytes."""
    fields = list(_standard.getrusage(who))
    numbers = [round(fields[0] * 1_000_000), round(fields[1] * 1_000_000)]
    return numbers + [int(fields[2]) * 1024] + [int(field) for field in fields[3:]]
