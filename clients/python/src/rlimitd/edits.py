"""Edits of limits, and the notations that callers may use for them."""

from __future__ import annotations

import operator
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from ._limits import UNLIMITED, Limit, Resource
from .errors import Code, make_error

__all__ = ["AT_LEAST", "CLAMP", "EXACT", "Bound", "Edit", "LimitLike", "ResourceLike"]

ResourceLike = Union[str, int]
"""A `Resource`, its name in any spelling (``"nofile"``, ``"RLIMIT_NOFILE"``), or the number of the standard
library (``resource.RLIMIT_NOFILE``)."""

Bound = Union[int, str]
"""One half of a limit: a number from 0 up, or infinity as `UNLIMITED`, ``"unlimited"``, or -1."""

LimitLike = Tuple[Bound, Bound]
"""Soft and hard."""

EXACT = "exact"
"""Sets the limits to exactly these values."""
AT_LEAST = "at_least"
"""Raises each half to at least this value, and never lowers it."""
CLAMP = "clamp"
"""Raises each half as far toward this value as policy and kernel allow, and never lowers it."""

_MODES = (EXACT, AT_LEAST, CLAMP)


class Edit(NamedTuple):
    """A change of the limits of one resource. `set`, `raise_to` and `raise_up_to` create one from any notation."""

    resource: Resource
    soft: Optional[int]
    hard: Optional[int]
    mode: str = EXACT
    expect: Optional[Limit] = None

    @staticmethod
    def set(
        resource: ResourceLike,
        soft: Optional[Bound] = None,
        hard: Optional[Bound] = None,
        *,
        mode: str = EXACT,
        expect: Optional[LimitLike] = None,
    ) -> Edit:
        """Sets the soft limit, the hard limit, or both; a half that is None keeps its value.

        With ``expect``, the edit fails with CONFLICT unless the current limits are these.
        """
        if soft is None and hard is None:
            raise make_error(Code.INVALID_ARGUMENT, "an edit names a soft limit, a hard limit, or both")
        if mode not in _MODES:
            raise make_error(Code.INVALID_ARGUMENT, f"unknown mode {mode!r}; the modes are {', '.join(_MODES)}")
        return Edit(
            resource_of(resource),
            None if soft is None else bound_of(soft),
            None if hard is None else bound_of(hard),
            mode,
            None if expect is None else limit_of(expect),
        )

    @staticmethod
    def raise_to(resource: ResourceLike, bound: Bound) -> Edit:
        """Raises both halves to at least ``bound``, or fails. Never lowers a limit."""
        return Edit.set(resource, bound, bound, mode=AT_LEAST)

    @staticmethod
    def raise_up_to(resource: ResourceLike, bound: Bound) -> Edit:
        """Raises both halves as far toward ``bound`` as allowed. Never lowers a limit.

        ``Change.shortfall`` says why the result is below ``bound``.
        """
        return Edit.set(resource, bound, bound, mode=CLAMP)

    def applied(self, now: Limit) -> Limit:
        """The limits after the edit from the limits ``now``, if nothing is refused."""
        soft = now.soft if self.soft is None else self.soft
        hard = now.hard if self.hard is None else self.hard
        if self.mode == EXACT:
            return Limit(soft, hard)
        return Limit(max(soft, now.soft), max(hard, now.hard))


def edits_of(edits: Union[Edit, Iterable[Edit]]) -> List[Edit]:
    """One or more edits as a list. Raises INVALID_ARGUMENT if two edits name the same resource."""
    found = [edits] if isinstance(edits, Edit) else list(edits)
    require_distinct([edit.resource for edit in found])
    return found


def require_distinct(resources: Sequence[Resource]) -> None:
    """Raises INVALID_ARGUMENT if a resource is named twice."""
    for index, resource in enumerate(resources):
        if resource in resources[:index]:
            raise make_error(
                Code.INVALID_ARGUMENT,
                f"{resource} is named twice; one request may name each resource once",
                resource=resource,
                edit_index=index,
            )


def limit_of(limit: LimitLike) -> Limit:
    """A pair of bounds as numbers."""
    soft, hard = limit
    return Limit(bound_of(soft), bound_of(hard))


def bound_of(bound: Bound) -> int:
    """One half of a limit as a number. Raises INVALID_ARGUMENT."""
    if isinstance(bound, str):
        if bound != "unlimited":
            raise make_error(Code.INVALID_ARGUMENT, f'{bound!r} is not a limit; expected a number or "unlimited"')
        return UNLIMITED
    number = operator.index(bound)
    if number == -1:
        return UNLIMITED
    if not 0 <= number <= UNLIMITED:
        raise make_error(Code.INVALID_ARGUMENT, f'{number} is not a limit; expected 0 to 2^64 - 1 or "unlimited"')
    return number


def resource_of(resource: ResourceLike) -> Resource:
    """The resource with this name or number. Raises INVALID_RESOURCE, UNSUPPORTED."""
    if isinstance(resource, Resource):
        return resource
    if isinstance(resource, str):
        return _parse_name(resource)
    from ._kernel.system_calls import RESOURCE_NUMBERS

    number = operator.index(resource)
    for known, value in RESOURCE_NUMBERS.items():
        if value == number:
            return known
    raise make_error(Code.INVALID_RESOURCE, f"no resource has the number {number}")


# Names of other systems for resources of Linux, and resources that only other systems have.
_SYNONYMS: Dict[str, Resource] = {"ofile": Resource.NOFILE, "vmem": Resource.AS}
_OTHER_SYSTEMS = ("sbsize", "swap", "npts", "kqueues", "umtxp")


def _parse_name(name: str) -> Resource:
    word = name.lower()
    if word.startswith("rlimit_"):
        word = word[len("rlimit_") :]
    if word in _SYNONYMS:
        return _SYNONYMS[word]
    if word in _OTHER_SYSTEMS:
        raise make_error(Code.UNSUPPORTED, f'Linux has no resource "{word}"; other systems do')
    try:
        return Resource(word)
    except ValueError:
        pass
    import difflib

    names = [known.value for known in Resource]
    matches = difflib.get_close_matches(word, names, 1, 0.5)
    advice = f'did you mean "{matches[0]}"?' if matches else f"the names are {' '.join(names)}"
    raise make_error(Code.INVALID_RESOURCE, f'unknown resource "{name}"; {advice}')
