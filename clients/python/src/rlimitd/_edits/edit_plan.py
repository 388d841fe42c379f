"""A batch of edits with the limits read before it: the outcome of each edit, and the part that the agent makes."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from .._limits import Limit, Resource
from ..edits import CLAMP, EXACT, Edit
from ..errors import Code, RlimitError, make_error


class PlanItem:
    """One edit of the batch, the limits before it, and the limits that it asks for."""

    def __init__(self, index: int, edit: Edit, now: Limit) -> None:
        self.index = index
        self.edit = edit
        self.resource = edit.resource
        self.is_clamp = edit.mode == CLAMP
        self._classify(now, self.planned_limit(now))
        if edit.expect is not None and edit.expect != now:
            raise conflict(edit.resource, now, edit.expect, index)

    def _classify(self, now: Limit, wanted: Limit) -> None:
        self.now = now
        self.wanted = wanted
        self.raises_hard = wanted.hard > now.hard
        self.raises = self.raises_hard or wanted.soft > now.soft
        self.lowers_hard = wanted.hard < now.hard
        self.lowers = self.lowers_hard or wanted.soft < now.soft

    def replan(self, now: Limit, wanted: Limit) -> None:
        """Changes the edit to restore a limit that another process raised meanwhile and this edit lowered.

        The kernel refuses to raise it again, so the agent must.
        """
        self._classify(now, wanted)
        self.edit = Edit(self.resource, wanted.soft, wanted.hard, self.edit.mode, self.edit.expect)

    def planned_limit(self, now: Limit) -> Limit:
        """The limits after the edit, from these limits before it. Raises SOFT_EXCEEDS_HARD."""
        limit = self.edit.applied(now)
        if self.is_clamp:
            limit = Limit(min(limit.soft, limit.hard), limit.hard)
        if limit.soft > limit.hard:
            soft, hard = str(limit).split(":")
            raise make_error(
                Code.SOFT_EXCEEDS_HARD,
                f"{self.resource}: soft {soft} is above hard {hard}",
                resource=self.resource,
                edit_index=self.index,
            )
        return limit

    @property
    def rank(self) -> int:
        """The order of application.

        Edits that may be refused come first. Lowered hard limits come last, because an unprivileged process cannot
        raise them again.
        """
        if self.raises_hard:
            return 0
        if self.lowers_hard:
            return 3
        return 2 if self.lowers else 1

    @property
    def agent_part(self) -> Edit:
        """The edit for the agent: all of it, or only the half that it raises if it lowers the other half."""
        if not self.lowers:
            return self.edit
        soft = self.wanted.soft if self.wanted.soft > self.now.soft else None
        hard = self.wanted.hard if self.raises_hard else None
        return Edit(self.resource, soft, hard, EXACT, self.edit.expect)


class EditPlan:
    """Validates the whole batch first, so that no edit of an invalid batch is applied."""

    def __init__(self, edits: Sequence[Edit], now: Dict[Resource, Limit]) -> None:
        self.items = [PlanItem(index, edit, now[edit.resource]) for index, edit in enumerate(edits)]
        self.in_safe_order: List[PlanItem] = sorted(self.items, key=lambda item: item.rank)

    @property
    def raising_items(self) -> List[PlanItem]:
        """The edits that raise a limit. The agent makes these if the kernel refuses."""
        return [item for item in self.items if item.raises]

    @property
    def agent_part(self) -> List[Edit]:
        """The edits for the agent, if the kernel refuses."""
        return [item.agent_part for item in self.raising_items]

    @property
    def conditional_item(self) -> Optional[PlanItem]:
        """The first edit that raises a limit and expects a value, if any.

        The agent must make it, because prlimit(2) has no compare-and-set.
        """
        return next((item for item in self.raising_items if item.edit.expect is not None), None)


def conflict(resource: Resource, now: Limit, expected: Limit, index: int) -> RlimitError:
    return make_error(
        Code.CONFLICT, f"{resource} is {now}, not {expected} as expected", resource=resource, edit_index=index
    )
