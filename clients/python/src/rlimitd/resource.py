"""The standard library's ``resource``, name for name, with the rlimitd agent behind it.

``import rlimitd.resource as resource``: where the kernel refuses to raise a limit, or to let another user's process be
looked at, the agent is asked. Where it is away or refuses too, what the standard module raises comes out, with the
agent's reason as its ``__cause__``. What the kernel allows needs no agent.
"""

import resource as _standard
from resource import *  # noqa: F403
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Tuple

# Also what the hints for the standard module leave out.
globals().update((_name, _value) for _name, _value in vars(_standard).items() if not _name.startswith("_"))

_setrlimit = _standard.setrlimit
_prlimit = _standard.prlimit
# Those that can be read twice; None is no limits at all since Python 3.13.
_REITERABLE = frozenset((tuple, list, type(None)))


class _CachedLimits:
    """Limits that can be iterated over but once, perhaps: what came of it is kept."""

    def __init__(self, limits: Iterable[Any]) -> None:
        self._limits = limits
        self._values: Tuple[Any, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        if not self._values:
            self._values = tuple(self._limits)
        return iter(self._values)


# By now the standard module has found nothing wrong with the arguments.
def _call_agent(refusal: Exception, pid: int, resource: int, limits: Any = None) -> Tuple[int, int]:
    from operator import index

    try:
        from ._kernel.system_calls import from_standard, to_standard
        from .client import Client

        wanted = None if limits is None else tuple(from_standard(index(bound)) for bound in limits)
        with Client() as client:
            # That the kernel does not let us look is known; /proc may show it, but the standard module would not.
            client.agent_only = wanted is None
            old = client.prlimit(index(resource), wanted, index(pid) or None)  # type: ignore[arg-type]
            return to_standard(old.soft), to_standard(old.hard)
    except Exception as reason:
        raise refusal from reason


# To those who check types they are the standard module's.
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
