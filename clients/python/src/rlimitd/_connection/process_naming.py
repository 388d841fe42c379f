"""How the requests of one connection name another process. The agent's server_info decides.

The agent takes no descriptor from a caller without a rule. In the agent's own PID namespace the client therefore sends
the pid. It holds a pidfd of the process during the call: as long as that process has not been reaped, the pid belongs to
no other one.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from .._kernel import process_identity
from .._kernel.resolved_target import ResolvedTarget
from .._wire.agent_requests import AgentRequest, target_of
from .._wire.reply_decoder import unexpected_reply
from ..errors import Code, RlimitError, make_error
from ..v1 import rlimitd_pb2 as pb

_ABOUT_THE_PROCESS = (
    Code.DENIED_BY_POLICY,
    Code.DENIED_BY_KERNEL,
    Code.CONFLICT,
    Code.SOFT_EXCEEDS_HARD,
    Code.ABOVE_SYSTEM_CEILING,
)


class NamedRequest(NamedTuple):
    """A request as it is sent, and the process that it names by its pid alone."""

    request: AgentRequest
    held_by_pid: Optional[ResolvedTarget] = None

    def require_unreused(self, error: Optional[RlimitError] = None) -> None:
        """Raises if the pid may have belonged to another process when the agent used it. ``error`` is its answer."""
        if self.held_by_pid is None or (error is not None and error.code not in _ABOUT_THE_PROCESS):
            return
        try:
            self.held_by_pid.require_alive()
        except RlimitError as ended:
            if error is not None or self.request.is_read_only:
                raise
            text = f"{self.held_by_pid.name} ended during the call; a later process with its pid may have been changed"
            raise make_error(Code.TARGET_CHANGED, text) from ended


class ProcessNaming(NamedTuple):
    """What the agent accepts."""

    accepts_pid: bool
    """The caller is in the agent's own PID namespace, and the agent compares identities."""
    accepts_pidfd: bool
    """The agent receives pidfds from the caller."""

    def suffices_for(self, target: ResolvedTarget) -> bool:
        """Whether the process can be named. If not, the agent is asked again: its policy may have changed."""
        return self.accepts_pidfd or self._pid(target) is not None

    # Process 1 has a pid that no request may name.
    def _pid(self, target: ResolvedTarget) -> Optional[int]:
        return target.pid if self.accepts_pid and target.pid is not None and target.pid > 1 else None

    def named(self, request: AgentRequest, target: ResolvedTarget) -> NamedRequest:
        """Sets the target of the message."""
        message = target_of(request.message)
        message.Clear()
        without_pidfd = request._replace(target=None)
        pid = self._pid(target)
        if pid is None:
            message.pidfd.SetInParent()
            # Without a descriptor the agent refuses, and says which rule would help.
            return NamedRequest(request if self.accepts_pidfd else without_pidfd)
        # A get without an identity is the agent's fastest request, and its response is discarded if the process has
        # ended.
        if not request.is_read_only:
            assert target.pidfd is not None
            identity = process_identity.of_process(target.pidfd, pid)
            if identity is None and self.accepts_pidfd:
                message.pidfd.SetInParent()
                return NamedRequest(request)
            if identity is not None:
                message.pid = pid
                if identity.inode is not None:
                    message.pidfd_inode = identity.inode
                elif identity.start_time is not None:
                    message.start_time = identity.start_time
                return NamedRequest(without_pidfd)
        message.pid = pid
        return NamedRequest(without_pidfd, target)


_PIDFD_ONLY = ProcessNaming(accepts_pid=False, accepts_pidfd=True)


def from_reply(reply: pb.Response) -> ProcessNaming:
    """The answer to server_info."""
    if not reply.HasField("server_info"):
        raise unexpected_reply()
    info = reply.server_info
    caller = info.caller
    return ProcessNaming(
        accepts_pid="pid-identity" in info.features and caller.namespace_depth == 1,
        accepts_pidfd=caller.may_attach if caller.HasField("may_attach") else True,
    )


def from_error(error: RlimitError) -> ProcessNaming:
    """The answer of an agent without server_info. Raises any other error."""
    if error.code != Code.UNSUPPORTED:
        raise error
    return _PIDFD_ONLY
