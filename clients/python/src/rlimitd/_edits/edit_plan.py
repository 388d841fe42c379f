"""A batch of edits against the limits that were read just before: what each leads to, and which part of it is whose."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from .._limits import Limit, Resource
from ..edits import CLAMP, EXACT, Edit
from ..errors import Code, RlimitError, make_error


class PlanItem:
    """One edit of the batch."""

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
        """What somebody else raised meanwhile was lowered with it, and the kernel refuses to raise it again: that is the
        agent's part."""
        self._classify(now, wanted)
        self.edit = Edit(self.resource, wanted.soft, wanted.hard, self.edit.mode, self.edit.expect)

    def planned_limit(self, now: Limit) -> Limit:
        """What the edit leads to from these limits. Raises SOFT_EXCEEDS_HARD."""
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
        """What may be refused first, a hard limit that can never be raised again last."""
        if self.raises_hard:
            return 0
        if self.lowers_hard:
            return 3
        return 2 if self.lowers else 1

    @property
    def agent_part(self) -> Edit:
        """What the agent is asked for: all of the edit, or, where it also lowers, only the half that it raises."""
        if not self.lowers:
            return self.edit
        soft = self.wanted.soft if self.wanted.soft > self.now.soft else None
        hard = self.wanted.hard if self.raises_hard else None
        return Edit(self.resource, soft, hard, EXACT, self.edit.expect)


class EditPlan:
    """Checked as a whole, so that nothing is made of a batch one of whose edits makes no sense."""

    def __init__(self, edits: Sequence[Edit], now: Dict[Resource, Limit]) -> None:
        self.items = [PlanItem(index, edit, now[edit.resource]) for index, edit in enumerate(edits)]
        self.in_safe_order: List[PlanItem] = sorted(self.items, key=lambda item: item.rank)

    @property
    def raising_items(self) -> List[PlanItem]:
        """Those that raise something: the agent's part if it must be asked."""
        return [item for item in self.items if item.raises]

    @property
    def agent_part(self) -> List[Edit]:
        """What the agent is asked for, if it must be."""
        return [item.agent_part for item in self.raising_items]

    @property
    def compare_and_set(self) -> Optional[PlanItem]:
        """The edit that the agent must be asked for whatever the kernel would say: that has no compare-and-set."""
        return next((item for item in self.raising_items if item.edit.expect is not None), None)


def conflict(resource: Resource, now: Limit, expected: Limit, index: int) -> RlimitError:
    return make_error(
        Code.CONFLICT, f"{resource} is {now} and not {expected} as expected", resource=resource, edit_index=index
    )
