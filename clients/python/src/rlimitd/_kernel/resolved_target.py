"""The process that a call is about, held by a pidfd during the call so that its pid cannot be reused unnoticed."""

from __future__ import annotations

import errno
import operator
import os
import select
import threading
from types import TracebackType
from typing import Callable, Dict, Optional, Sequence, Type

from .._limits import Limit, Resource
from ..errors import Code, RlimitError, make_error
from ..results import Usage
from ..targets import Pidfd, Target
from . import procfs, system_calls


class ResolvedTarget:
    """A context manager that closes the pidfd at its end.

    ``pid`` is the pid in this PID namespace, 0 for the caller, and None for a process that has no pid here. ``pidfd``
    is None for the caller, and where pidfds do not exist: in a container with a system call filter older than them.
    """

    def __init__(self, target: Target) -> None:
        self.pidfd: Optional[int] = None
        self.pid: Optional[int] = 0
        if target is None:
            return
        if isinstance(target, Pidfd):
            self._resolve_pidfd(target.descriptor)
        else:
            self._resolve_pid(operator.index(target))
        try:
            self.require_alive()
        except BaseException:
            self.close()
            raise

    def _resolve_pid(self, pid: int) -> None:
        if pid == os.getpid():
            return
        if not 0 < pid < 2**31:
            raise make_error(Code.INVALID_ARGUMENT, f"{pid} is not a process id")
        self.pid = pid
        try:
            self.pidfd = os.pidfd_open(pid)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                return
            # For a thread that is not a thread group leader: EINVAL before Linux 6.18, ENOENT since.
            error_number = errno.ESRCH if error.errno == errno.EINVAL else error.errno
            raise system_calls.system_error(OSError(error_number, error.strerror), self.name) from error

    def _resolve_pidfd(self, descriptor: int) -> None:
        try:
            self.pidfd = os.dup(descriptor)
        except (OSError, OverflowError) as error:
            raise make_error(Code.INVALID_ARGUMENT, f"descriptor {descriptor} is not open") from error
        pid = self._pid_of_pidfd(self.pidfd)
        if pid == os.getpid():
            self.close()
            return
        self.pid = pid

    # None for a process without a pid in this PID namespace, and where /proc does not show it.
    def _pid_of_pidfd(self, pidfd: int) -> Optional[int]:
        try:
            with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
                lines = file.read().splitlines()
        except OSError:
            return None
        for line in lines:
            if line.startswith("Pid:"):
                pid = int(line.split()[1])
                return pid if pid > 0 else None
        self.close()
        raise make_error(Code.INVALID_ARGUMENT, "the descriptor is not a pidfd of a process")

    @property
    def is_caller(self) -> bool:
        return self.pid == 0

    @property
    def name(self) -> str:
        """The process in a message, such as "process 4242"."""
        if self.is_caller:
            return "this process"
        return f"process {self.pid}" if self.pid else "a process of another PID namespace"

    def require_alive(self) -> None:
        """Raises NO_SUCH_PROCESS if the process has ended: data read by its pid may then belong to another process."""
        if self.pidfd is None:
            return
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        if poll.poll(0):
            raise make_error(Code.NO_SUCH_PROCESS, f"no such process: {self.name} has ended or never existed")

    def get_limit(self, resource: Resource) -> Limit:
        """The current limits. Raises DENIED_BY_KERNEL, NO_SUCH_PROCESS. prlimit(2)."""
        limit = system_calls.get_limit(self._kernel_pid, resource, self.name)
        self.require_alive()
        return limit

    def set_limit(self, resource: Resource, new: Limit) -> Limit:
        """Sets both halves and returns the previous limits. Also raises ABOVE_SYSTEM_CEILING. prlimit(2)."""
        old = system_calls.set_limit(self._kernel_pid, resource, new, self.name)
        try:
            self.require_alive()
        except RlimitError:
            self._restore_limit(resource, old)
            raise
        return old

    # Another process may have reused the pid just before prlimit(2). A raised limit there does no harm and stays. A
    # lowered limit is raised again, as far as the kernel allows.
    def _restore_limit(self, resource: Resource, old: Limit) -> None:
        try:
            now = system_calls.get_limit(self._kernel_pid, resource, self.name)
            restored = Limit(max(now.soft, old.soft), max(now.hard, old.hard))
            if restored != now:
                system_calls.set_limit(self._kernel_pid, resource, restored, self.name)
        except RlimitError:
            pass

    @property
    def _kernel_pid(self) -> int:
        if self.pid is None:
            raise make_error(
                Code.DENIED_BY_KERNEL, f"{self.name} has no pid in this PID namespace, which prlimit(2) needs"
            )
        return self.pid

    def read_if_permitted(self, resources: Sequence[Resource]) -> Optional[Dict[Resource, Limit]]:
        """The limits by prlimit(2); None if the kernel refuses to show them, as it then refuses every change too."""
        try:
            return {resource: self.get_limit(resource) for resource in resources}
        except RlimitError as error:
            if error.code != Code.DENIED_BY_KERNEL:
                raise
            return None

    def limits(self, resources: Sequence[Resource]) -> Optional[Dict[Resource, Limit]]:
        """The limits by prlimit(2), or else from /proc; None where both refuse."""
        found = self.read_if_permitted(resources)
        if found is None and self.pid:
            visible: Dict[Resource, Limit] = {}
            try:
                visible = procfs.limits(self.pid)
            except OSError:
                pass
            self.require_alive()
            if all(resource in visible for resource in resources):
                found = {resource: visible[resource] for resource in resources}
        return found

    def usage(self, scope: str) -> Optional[Usage]:
        """The usage by getrusage(2) or from /proc; None where /proc hides the process."""
        if self.is_caller:
            return procfs.own_usage(scope)
        return self._read_from_proc(lambda pid: procfs.usage(pid, scope))

    def thread_usage(self, thread: int) -> Optional[Usage]:
        """The usage of one thread; None where /proc hides the process."""
        if self.is_caller and thread == threading.get_native_id():
            return procfs.own_thread_usage()
        return self._read_from_proc(lambda pid: procfs.thread_usage(pid or os.getpid(), thread))

    def _read_from_proc(self, read: Callable[[int], Usage]) -> Optional[Usage]:
        if self.pid is None:
            return None
        try:
            usage = read(self.pid)
        except ProcessLookupError as error:
            self.require_alive()
            raise make_error(Code.NO_SUCH_PROCESS, f"{self.name} has no such thread") from error
        except (FileNotFoundError, PermissionError):
            self.require_alive()
            return None
        except OSError as error:
            raise system_calls.system_error(error, self.name) from error
        self.require_alive()
        return usage

    def close(self) -> None:
        """Closes the pidfd."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def __enter__(self) -> ResolvedTarget:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
