"""All names of the standard library's ``resource``, with the rlimitd agent behind two of its functions.

Use it with ``import rlimitd.resource as resource``. If the kernel refuses to raise a limit, or to show the limits of
another user's process, the agent is asked. If the agent is unreachable or refuses too, the exception of the standard
module is raised, with the agent's reason as its ``__cause__``. A call that the kernel allows needs no agent.
"""

import resource as _standard
from resource import *  # noqa: F403
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Tuple

# Includes the names that the type hints of the standard module omit.
globals().update((_name, _value) for _name, _value in vars(_standard).items() if not _name.startswith("_"))

_setrlimit = _standard.setrlimit
_prlimit = _standard.prlimit
# Types that can be iterated over twice. Since Python 3.13, None means that no limits are given.
_REITERABLE = frozenset((tuple, list, type(None)))


class _CachedLimits:
    """Limits from an iterable that may be exhausted after one pass. The first pass stores its values."""

    def __init__(self, limits: Iterable[Any]) -> None:
        self._limits = limits
        self._values: Tuple[Any, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        if not self._values:
            self._values = tuple(self._limits)
        return iter(self._values)


# Called after the standard module has accepted the arguments.
def _call_agent(refusal: Exception, pid: int, resource: int, limits: Any = None) -> Tuple[int, int]:
    from operator import index

    try:
        from ._kernel.system_calls import from_standard, to_standard
        from .client import Client

        wanted = None if limits is None else tuple(from_standard(index(bound)) for bound in limits)
        with Client() as client:
            # The kernel has refused a read already. /proc may still show the limits, but the standard module does not.
            client.agent_only = wanted is None
            old = client.prlimit(index(resource), wanted, index(pid) or None)  # type: ignore[arg-type]
            return to_standard(old.soft), to_standard(old.hard)
    except Exception as reason:
        raise refusal from reason


# Type checkers see the functions of the standard module.
if not TYPE_CHECKING:

    def setrlimit(*args, **kwargs):
        if len(args) == 2 and type(args[1]) not in _REITERABLE:
            args = args[0], _CachedLimits(args[1])
        try:
            return _setrlimit(*args, **kwargs)
        except ValueError as refusal:
            if refusal.args != ("not allowed to raise maximum limit",):
                raise
            _call_agent(refusal, 0, *args)
        return None

    def prlimit(*args, **kwargs):
        if len(args) == 3 and type(args[2]) not in _REITERABLE:
            args = args[0], args[1], _CachedLimits(args[2])
        try:
            return _prlimit(*args, **kwargs)
        except PermissionError as refusal:
            return _call_agent(refusal, *args)

    setrlimit.__doc__ = _setrlimit.__doc__
    prlimit.__doc__ = _prlimit.__doc__
