"""What shall become of limits, and how callers may say it."""

from __future__ import annotations

import operator
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from ._limits import UNLIMITED, Limit, Resource
from .errors import Code, make_error

__all__ = ["AT_LEAST", "CLAMP", "EXACT", "Bound", "Edit", "LimitLike", "ResourceLike"]

ResourceLike = Union[str, int]
"""A `Resource`, its name in any spelling (``"nofile"``, ``"RLIMIT_NOFILE"``), or the number of the standard
library's ``resource.RLIMIT_NOFILE``."""

Bound = Union[int, str]
"""One half of a limit: a number from 0, or `UNLIMITED`, ``"unlimited"``, and -1, which all mean infinity."""

LimitLike = Tuple[Bound, Bound]
"""Soft and hard."""

EXACT = "exact"
"""The limits become exactly these."""
AT_LEAST = "at_least"
"""Each half is raised to this where it is below, and never lowered."""
CLAMP = "clamp"
"""As much of this as policy and kernel allow, never less than there is."""

_MODES = (EXACT, AT_LEAST, CLAMP)


class Edit(NamedTuple):
    """The change of one resource's limits; `edit` and the other functions here make it of what people write."""

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
        """Soft, hard or both; a half that is None keeps its value. With ``expect``, only if the limits now are these."""
        if soft is None and hard is None:
            raise make_error(Code.INVALID_ARGUMENT, "an edit names a soft limit, a hard limit, or both")
        if mode not in _MODES:
            raise make_error(Code.INVALID_ARGUMENT, f"no edit has the mode {mode!r}; there are {', '.join(_MODES)}")
        return Edit(
            resource_of(resource),
            None if soft is None else bound_of(soft),
            None if hard is None else bound_of(hard),
            mode,
            None if expect is None else limit_of(expect),
        )

    @staticmethod
    def raise_to(resource: ResourceLike, bound: Bound) -> Edit:
        """Both halves at least this, or an error; never lowers."""
        return Edit.set(resource, bound, bound, mode=AT_LEAST)

    @staticmethod
    def raise_up_to(resource: ResourceLike, bound: Bound) -> Edit:
        """As much of this as one may have, for both halves; never lowers. ``Change.shortfall`` says why it is less."""
        return Edit.set(resource, bound, bound, mode=CLAMP)

    def applied(self, now: Limit) -> Limit:
        """The limits that this leads to from ``now``, where nothing is refused."""
        soft = now.soft if self.soft is None else self.soft
        hard = now.hard if self.hard is None else self.hard
        if self.mode == EXACT:
            return Limit(soft, hard)
        return Limit(max(soft, now.soft), max(hard, now.hard))


def edits_of(edits: Union[Edit, Iterable[Edit]]) -> List[Edit]:
    """One or several as a list, of distinct resources."""
    found = [edits] if isinstance(edits, Edit) else list(edits)
    require_distinct([edit.resource for edit in found])
    return found


def require_distinct(resources: Sequence[Resource]) -> None:
    """Raises INVALID_ARGUMENT where one is named twice."""
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
    """One half of a limit as a number."""
    if isinstance(bound, str):
        if bound != "unlimited":
            raise make_error(Code.INVALID_ARGUMENT, f'{bound!r} is no limit; a number is, or "unlimited"')
        return UNLIMITED
    number = operator.index(bound)
    if number == -1:
        return UNLIMITED
    if not 0 <= number <= UNLIMITED:
        raise make_error(Code.INVALID_ARGUMENT, f'{number} is no limit; a number from 0 to 2^64 - 1 is, or "unlimited"')
    return number


def resource_of(resource: ResourceLike) -> Resource:
    """The resource that a name or a number means."""
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


# Other systems' words for ours, and those that only they have.
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
