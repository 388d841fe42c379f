"""Raises resource limits above the hard limit with the rlimitd agent.

Most programs need only ``raise_limit("nofile", 65536)``. `Client` and `AsyncClient` offer every operation, and
``rlimitd.resource`` replaces the standard library's ``resource``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from ._limits import UNLIMITED as UNLIMITED
    from ._limits import Limit as Limit
    from ._limits import Resource as Resource
    from .aio import AsyncClient as AsyncClient
    from .aio import AsyncLease as AsyncLease
    from .client import Client as Client
    from .client import Lease as Lease
    from .edits import AT_LEAST as AT_LEAST
    from .edits import CLAMP as CLAMP
    from .edits import EXACT as EXACT
    from .edits import Bound, ResourceLike
    from .edits import Edit as Edit
    from .errors import AgentUnreachableError as AgentUnreachableError
    from .errors import BusyError as BusyError
    from .errors import Code as Code
    from .errors import ConflictError as ConflictError
    from .errors import ConnectionLostError as ConnectionLostError
    from .errors import DeadlineExceededError as DeadlineExceededError
    from .errors import DeniedError as DeniedError
    from .errors import InvalidRequestError as InvalidRequestError
    from .errors import LeaseEndedError as LeaseEndedError
    from .errors import NoSuchProcessError as NoSuchProcessError
    from .errors import RlimitError as RlimitError
    from .errors import UnsupportedError as UnsupportedError
    from .errors import UntrustedSocketError as UntrustedSocketError
    from .results import Caller as Caller
    from .results import Change as Change
    from .results import Explanation as Explanation
    from .results import LeaseInfo as LeaseInfo
    from .results import Processes as Processes
    from .results import ProcessResult as ProcessResult
    from .results import Restoration as Restoration
    from .results import ServerInfo as ServerInfo
    from .results import Stats as Stats
    from .results import Usage as Usage
    from .results import Verdict as Verdict
    from .targets import Cgroup as Cgroup
    from .targets import Pidfd as Pidfd
    from .targets import Pod as Pod

# The module of each name. It is imported on first use, which keeps `import rlimitd.resource` cheap.
_MODULES: Dict[str, str] = {
    **dict.fromkeys(("UNLIMITED", "Limit", "Resource"), "_limits"),
    **dict.fromkeys(("AsyncClient", "AsyncLease"), "aio"),
    **dict.fromkeys(("Client", "Lease"), "client"),
    **dict.fromkeys(("AT_LEAST", "CLAMP", "EXACT", "Edit"), "edits"),
    **dict.fromkeys(
        (
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
        ),
        "errors",
    ),
    **dict.fromkeys(
        (
            "Caller",
            "Change",
            "Explanation",
            "LeaseInfo",
            "ProcessResult",
            "Processes",
            "Restoration",
            "ServerInfo",
            "Stats",
            "Usage",
            "Verdict",
        ),
        "results",
    ),
    **dict.fromkeys(("Cgroup", "Pidfd", "Pod"), "targets"),
}


def raise_limit(resource: ResourceLike, to: Bound) -> Limit:
    """Raises the soft and hard limit of this process to at least ``to`` and returns the new limits.

    Never lowers a limit. The kernel is asked first, and the agent only if the kernel refuses. Raises `RlimitError`,
    which is a ``PermissionError`` if the policy denies the request.
    """
    from .client import Client

    with Client() as client:
        return client.raise_limit(resource, to).new


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted([*_MODULES, *globals()])
