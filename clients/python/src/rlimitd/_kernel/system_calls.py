"""What prlimit(2) and getrusage(2) say. The only module that asks them."""

from __future__ import annotations

import errno
import resource as _standard
from typing import Dict, List, Optional

from .._limits import UNLIMITED, Limit, Resource, format_bound
from ..errors import Code, RlimitError, make_error

# The kernel's numbers: the standard library knows most for this processor, and those that it does not know
# are the same on all of them.
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

# Before Python 3.15 the standard library shows bounds of 2^63 and more as negative, infinity among them.
_SIGNED = _standard.RLIM_INFINITY < 0


def to_standard(bound: int) -> int:
    """One half of a limit as the standard library has it."""
    return bound - 2**64 if _SIGNED and bound >= 2**63 else bound


def from_standard(bound: int) -> int:
    """One half of a limit from the standard library."""
    return bound & UNLIMITED


def get_limit(pid: int, resource: Resource, name: str) -> Limit:
    """The limits now; 0 is the caller. Raises DENIED_BY_KERNEL, NO_SUCH_PROCESS."""
    try:
        soft, hard = _standard.prlimit(pid, RESOURCE_NUMBERS[resource])
    except OSError as error:
        raise system_error(error, name, resource) from error
    return Limit(from_standard(soft), from_standard(hard))


def set_limit(pid: int, resource: Resource, new: Limit, name: str) -> Limit:
    """Sets both halves and returns what they were. Raises also ABOVE_SYSTEM_CEILING."""
    wanted = to_standard(new.soft), to_standard(new.hard)
    try:
        soft, hard = _standard.prlimit(pid, RESOURCE_NUMBERS[resource], wanted)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise _eperm_error(error, resource, new, name) from error
        raise system_error(error, name, resource) from error
    except ValueError as error:
        raise make_error(Code.INVALID_ARGUMENT, f"the kernel takes no such value for {resource} of {name}") from error
    return Limit(from_standard(soft), from_standard(hard))


def read_nr_open() -> Optional[int]:
    """``fs.nr_open``, above which no limit of open files goes; None where /proc does not show it."""
    try:
        with open("/proc/sys/fs/nr_open", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def system_error(error: OSError, name: str, resource: Optional[Resource] = None) -> RlimitError:
    """What a failed system call about a process means to whoever asked for it."""
    what = f"{resource} of {name}" if resource else name
    if error.errno in (errno.ESRCH, errno.ENOENT):
        return make_error(Code.NO_SUCH_PROCESS, f"no such process: {name} has ended or never was", resource=resource)
    if error.errno in (errno.EPERM, errno.EACCES):
        message = f"the kernel refused {what}: {error.strerror}"
        return make_error(Code.DENIED_BY_KERNEL, message, errno=error.errno, resource=resource)
    return make_error(Code.INTERNAL, f"{what}: {error.strerror}", errno=error.errno, resource=resource)


# EPERM may also stand for fs.nr_open.
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
    """The sixteen fields in the protocol's units: times in microseconds, the resident size in bytes."""
    fields = list(_standard.getrusage(who))
    numbers = [round(fields[0] * 1_000_000), round(fields[1] * 1_000_000)]
    return numbers + [int(fields[2]) * 1024] + [int(field) for field in fields[3:]]
