"""The process that a call is about, held for as long as the call lasts so that its number cannot come to mean another."""

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
    """A context manager: at its end the process is let go of.

    ``number`` is the process's own in this PID namespace, 0 for the caller, and None where it has none. ``pidfd`` is
    None for the caller, and where there are no pidfds: in a container whose filter of system calls is older than them.
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
            raise make_error(Code.INVALID_ARGUMENT, f"{pid} is no process id")
        self.pid = pid
        try:
            self.pidfd = os.pidfd_open(pid)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                return
            # Of a thread that leads no process, EINVAL before Linux 6.18 and ENOENT since.
            number = errno.ESRCH if error.errno == errno.EINVAL else error.errno
            raise system_calls.system_error(OSError(number, error.strerror), self.name) from error

    def _resolve_pidfd(self, descriptor: int) -> None:
        try:
            self.pidfd = os.dup(descriptor)
        except (OSError, OverflowError) as error:
            raise make_error(Code.INVALID_ARGUMENT, f"descriptor {descriptor} is not open") from error
        number = self._pid_of_pidfd(self.pidfd)
        if number == os.getpid():
            self.close()
            return
        self.pid = number

    # None where it has none in this PID namespace, or /proc does not tell.
    def _pid_of_pidfd(self, pidfd: int) -> Optional[int]:
        try:
            with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
                lines = file.read().splitlines()
        except OSError:
            return None
        for line in lines:
            if line.startswith("Pid:"):
                number = int(line.split()[1])
                return number if number > 0 else None
        self.close()
        raise make_error(Code.INVALID_ARGUMENT, "the descriptor is no pidfd of a process")

    @property
    def is_caller(self) -> bool:
        return self.pid == 0

    @property
    def name(self) -> str:
        """As in "process 4242"."""
        if self.is_caller:
            return "this process"
        return f"process {self.pid}" if self.pid else "a process of another PID namespace"

    def require_alive(self) -> None:
        """Raises NO_SUCH_PROCESS where it has ended: what was read by its number then may be another's."""
        if self.pidfd is None:
            return
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        if poll.poll(0):
            raise make_error(Code.NO_SUCH_PROCESS, f"no such process: {self.name} has ended or never was")

    def get_limit(self, resource: Resource) -> Limit:
        """prlimit(2). Raises DENIED_BY_KERNEL, NO_SUCH_PROCESS."""
        limit = system_calls.get_limit(self._kernel_pid, resource, self.name)
        self.require_alive()
        return limit

    def set_limit(self, resource: Resource, new: Limit) -> Limit:
        """prlimit(2): both halves, and what they were. Raises also ABOVE_SYSTEM_CEILING."""
        old = system_calls.set_limit(self._kernel_pid, resource, new, self.name)
        try:
            self.require_alive()
        except RlimitError:
            self._restore_limit(resource, old)
            raise
        return old

    # The number may have been given to another process just before the call. What was raised there is left, since it does no
    # harm, and what was lowered is raised again as far as that goes.
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
                Code.DENIED_BY_KERNEL, f"{self.name} has no number here, by which prlimit(2) could name it"
            )
        return self.pid

    def read_if_permitted(self, resources: Sequence[Resource]) -> Optional[Dict[Resource, Limit]]:
        """What prlimit(2) tells; None where it refuses, as it then refuses every change too."""
        try:
            return {resource: self.get_limit(resource) for resource in resources}
        except RlimitError as error:
            if error.code != Code.DENIED_BY_KERNEL:
                raise
            return None

    def limits(self, resources: Sequence[Resource]) -> Optional[Dict[Resource, Limit]]:
        """What the kernel tells, or else /proc; None where both keep it to themselves."""
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
        """What getrusage(2) or /proc tells; None where /proc hides the process."""
        if self.is_caller:
            return procfs.own_usage(scope)
        return self._read_visible_usage(lambda pid: procfs.usage(pid, scope))

    def thread_usage(self, thread: int) -> Optional[Usage]:
        """The same of one thread."""
        if self.is_caller and thread == threading.get_native_id():
            return procfs.own_thread_usage()
        return self._read_visible_usage(lambda pid: procfs.thread_usage(pid or os.getpid(), thread))

    def _read_visible_usage(self, read: Callable[[int], Usage]) -> Optional[Usage]:
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
        """Lets go of the process."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def __enter__(self) -> ResolvedTarget:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
