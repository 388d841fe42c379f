"""Limits and usage of a process, read from /proc."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from .._limits import UNLIMITED, Limit, Resource
from ..results import Usage
from . import system_calls

_LABELS = {
    "Max cpu time": Resource.CPU,
    "Max file size": Resource.FSIZE,
    "Max data size": Resource.DATA,
    "Max stack size": Resource.STACK,
    "Max core file size": Resource.CORE,
    "Max resident set": Resource.RSS,
    "Max processes": Resource.NPROC,
    "Max open files": Resource.NOFILE,
    "Max locked memory": Resource.MEMLOCK,
    "Max address space": Resource.AS,
    "Max file locks": Resource.LOCKS,
    "Max pending signals": Resource.SIGPENDING,
    "Max msgqueue size": Resource.MSGQUEUE,
    "Max nice priority": Resource.NICE,
    "Max realtime priority": Resource.RTPRIO,
    "Max realtime timeout": Resource.RTTIME,
}
_TICKS = os.sysconf("SC_CLK_TCK")


def limits(pid: int) -> Dict[Resource, Limit]:
    """The limits in proc_pid_limits(5). Every user may read it unless /proc hides processes. Raises OSError."""
    found = {}
    for line in _read(f"/proc/{pid}/limits").splitlines():
        # The name takes 26 columns; soft and hard follow.
        resource, words = _LABELS.get(line[:26].strip()), line[26:].split()
        if resource and len(words) >= 2:
            found[resource] = Limit(_parse_bound(words[0]), _parse_bound(words[1]))
    return found


def _parse_bound(word: str) -> int:
    return UNLIMITED if word == "unlimited" else int(word)


def usage(pid: int, scope: str) -> Usage:
    """The usage of a process, as far as /proc shows it to other users. Raises OSError."""
    stat = _Stat(f"/proc/{pid}/stat")
    used = _usage_from_stat(stat, scope)
    if scope == "children":
        return used
    status = _read_status(f"/proc/{pid}/status")
    used = used._replace(in_use=_in_use(pid, stat, status))
    # /proc does not show the maximum resident size of the children, so there is none for both together.
    if scope != "process":
        return used
    voluntary = involuntary = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            thread_status = _read_status(f"/proc/{pid}/task/{thread}/status")
        except OSError:
            # The thread ended meanwhile, and is missing like the threads that ended earlier.
            continue
        voluntary += thread_status.get("voluntary_ctxt_switches", 0)
        involuntary += thread_status.get("nonvoluntary_ctxt_switches", 0)
    return used._replace(
        max_resident_bytes=_kib_as_bytes(status, "VmHWM"),
        voluntary_context_switches=voluntary,
        involuntary_context_switches=involuntary,
        partial=True,
    )


def thread_usage(pid: int, thread: int) -> Usage:
    """The usage of one thread. Raises OSError, and ProcessLookupError for a thread of another process."""
    folder = f"/proc/{pid}/task/{thread}"
    try:
        stat, status = _Stat(f"{folder}/stat"), _read_status(f"{folder}/status")
    except FileNotFoundError as error:
        raise ProcessLookupError(*error.args) from error
    return _usage_from_stat(stat, "process")._replace(
        max_resident_bytes=_kib_as_bytes(status, "VmHWM"),
        voluntary_context_switches=status.get("voluntary_ctxt_switches"),
        involuntary_context_switches=status.get("nonvoluntary_ctxt_switches"),
    )


def own_usage(scope: str) -> Usage:
    """The usage of this process, with the current amounts where /proc shows them. getrusage(2)."""
    if scope == "children":
        return _usage_from_rusage(system_calls.getrusage(system_calls.CHILDREN))
    fields = system_calls.getrusage(system_calls.SELF)
    if scope == "both":
        # Like the kernel's RUSAGE_BOTH: the fields are added, except the resident size, which is the maximum.
        children = system_calls.getrusage(system_calls.CHILDREN)
        fields = [max(a, b) if index == 2 else a + b for index, (a, b) in enumerate(zip(fields, children))]
    used, pid = _usage_from_rusage(fields), os.getpid()
    try:
        return used._replace(in_use=_in_use(pid, _Stat(f"/proc/{pid}/stat"), _read_status(f"/proc/{pid}/status")))
    except OSError:
        return used


def own_thread_usage() -> Usage:
    """The usage of the calling thread. getrusage(2) with RUSAGE_THREAD."""
    return _usage_from_rusage(system_calls.getrusage(system_calls.THREAD))


def _usage_from_rusage(fields: List[int]) -> Usage:
    values: Any = fields
    return Usage(*values)


class _Stat:
    """proc_pid_stat(5). The numbers follow the last bracket, because the process chooses the name in front of it."""

    def __init__(self, path: str) -> None:
        text = _read(path)
        self._fields: List[str] = text[text.rindex(")") + 2 :].split()

    def __getitem__(self, number: int) -> int:
        """The field with this number in the manual, from the third on."""
        return int(self._fields[number - 3])


def _usage_from_stat(stat: _Stat, scope: str) -> Usage:
    own, children = int(scope != "children"), int(scope != "process")
    return Usage(
        user_time_us=(own * stat[14] + children * stat[16]) * 1_000_000 // _TICKS,
        system_time_us=(own * stat[15] + children * stat[17]) * 1_000_000 // _TICKS,
        minor_faults=own * stat[10] + children * stat[11],
        major_faults=own * stat[12] + children * stat[13],
        # Linux does not maintain these fields.
        shared_text_bytes=0,
        unshared_data_bytes=0,
        unshared_stack_bytes=0,
        swaps=0,
        messages_sent=0,
        messages_received=0,
        signals_received=0,
    )


def _read_status(path: str) -> Dict[str, int]:
    """The values of proc_pid_status(5) that begin with a number."""
    found = {}
    for line in _read(path).splitlines():
        name, _, rest = line.partition(":")
        digits = rest.split("/")[0].split()
        if digits and digits[0].isdigit():
            found[name] = int(digits[0])
    return found


def _kib_as_bytes(status: Dict[str, int], name: str) -> Optional[int]:
    # In /proc, "kB" means 1024 bytes.
    return status[name] * 1024 if name in status else None


def _in_use(pid: int, stat: _Stat, status: Dict[str, int]) -> Dict[Resource, int]:
    amounts: Dict[Resource, Optional[int]] = {
        Resource.CPU: (stat[14] + stat[15]) // _TICKS,
        Resource.DATA: _kib_as_bytes(status, "VmData"),
        Resource.STACK: _kib_as_bytes(status, "VmStk"),
        Resource.RSS: _kib_as_bytes(status, "VmRSS"),
        Resource.NOFILE: _open_files(pid),
        Resource.MEMLOCK: _kib_as_bytes(status, "VmLck"),
        Resource.AS: _kib_as_bytes(status, "VmSize"),
        Resource.SIGPENDING: status.get("SigQ"),
        Resource.NICE: 20 - stat[19],
        Resource.RTPRIO: stat[40],
    }
    return {resource: amount for resource, amount in amounts.items() if amount is not None}


def _open_files(pid: int) -> Optional[int]:
    folder = f"/proc/{pid}/fd"
    try:
        # Since Linux 6.2 the size of the folder is the number of descriptors, readable by every user. Before, it is 0.
        count = os.stat(folder).st_size
        if count == 0:
            count = len(os.listdir(folder)) - (1 if pid == os.getpid() else 0)
        return count
    except OSError:
        return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
