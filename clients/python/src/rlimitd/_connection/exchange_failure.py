"""Why the exchange of one request and its response failed, and whether to send the request again."""

from __future__ import annotations

from ..errors import RlimitError
from .agent_socket import AgentSocket


class ExchangeFailure(Exception):
    """The connection ended during an exchange."""

    def __init__(self, error: RlimitError) -> None:
        self.error = error


class Unsent(ExchangeFailure):
    """The connection ended before the agent had the whole request, so the agent cannot have acted."""


class Unanswered(ExchangeFailure):
    """The connection ended before the response came, so the agent may have acted."""


def require_retryable(failure: ExchangeFailure, is_read_only: bool, is_retry: bool, agent_socket: AgentSocket) -> None:
    """Returns if the request is to be sent once more, on a new connection; raises the error otherwise.

    A request is repeated if the agent cannot have acted on it, or if it only reads. A change that the agent may have
    made is never repeated.
    """
    if isinstance(failure, Unsent):
        if is_retry:
            raise agent_socket.closed_immediately(failure.error) from failure.error
    elif is_retry or not is_read_only:
        raise failure.error
