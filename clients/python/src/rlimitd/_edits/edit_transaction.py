"""A plan being carried out: the kernel first, then the agent for all that raises, and last what the client lowers itself.

All or nothing: what was made before a refusal is taken back.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from .._kernel import system_calls
from .._kernel.resolved_target import ResolvedTarget
from .._limits import Limit
from ..errors import Code, RlimitError, complete_error, make_error, replace_details
from ..results import Change
from .edit_plan import EditPlan, PlanItem, conflict

# The agent, by saying this, or by not being there, has surely changed nothing and is no help either.
_CHANGED_NOTHING = frozenset(
    {
        Code.AGENT_UNREACHABLE,
        Code.UNTRUSTED_SOCKET,
        Code.DENIED_BY_POLICY,
        Code.DENIED_BY_KERNEL,
        Code.ABOVE_SYSTEM_CEILING,
        Code.UNSUPPORTED,
        Code.RATE_LIMITED,
        Code.QUOTA_EXCEEDED,
        Code.PIDFD_REQUIRED,
    }
)


class EditTransaction:
    """The three steps are apart so that whoever runs them may wait for the agent as it likes."""

    def __init__(self, plan: EditPlan, target: ResolvedTarget) -> None:
        self.plan = plan
        self._target = target
        # By place in the batch.
        self._changes: List[Optional[Change]] = [None] * len(plan.items)
        # In the order in which they were made.
        self._applied: List[Change] = []

    @property
    def result(self) -> List[Change]:
        """A change for each edit, in their order."""
        return [change for change in self._changes if change is not None]

    def try_kernel(self) -> Optional[RlimitError]:
        """Makes all of the batch, or nothing and returns why the agent is to be asked for ``plan.agent_part``."""
        compare_and_set = self.plan.compare_and_set
        if compare_and_set is not None:
            return make_error(
                Code.UNSUPPORTED,
                f"only the agent can raise {compare_and_set.resource} on a condition: the kernel has no such call",
                resource=compare_and_set.resource,
                edit_index=compare_and_set.index,
            )
        for item in self.plan.in_safe_order:
            try:
                self._apply_item(item)
            except RlimitError as error:
                refusal = self._undo_applied(complete_error(error, item.resource, item.index))
                if not _is_refusal(error, item):
                    raise refusal from error
                return refusal
        return None

    def finish_with_agent(self, granted: Sequence[Change]) -> List[Change]:
        """The agent made what raises; lowers what is left to lower."""
        if [change.resource for change in granted] != [item.resource for item in self.plan.raising_items]:
            raise make_error(Code.MALFORMED, "the agent answered other edits than it was asked for")
        for item, change in zip(self.plan.raising_items, granted):
            self._changes[item.index] = change
            self._applied.append(change)
        for item in self.plan.in_safe_order:
            if not item.lowers and self._changes[item.index] is not None:
                continue
            try:
                self._lower_item(item)
            except RlimitError as error:
                raise self._undo_applied(complete_error(error, item.resource, item.index)) from error
        return self.result

    def finish_without_agent(self, error: RlimitError, refusal: RlimitError) -> List[Change]:
        """The agent did not do its part. Makes what can be made without it, where it surely changed nothing."""
        reason = self._merge_agent_failure(error, refusal)
        if error.code not in _CHANGED_NOTHING or self.plan.compare_and_set is not None:
            raise reason
        for item in self.plan.in_safe_order:
            try:
                self._apply_without_agent(item, reason)
            except RlimitError as failed:
                raise self._undo_applied(failed)
        return self.result

    # The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    def _merge_agent_failure(self, error: RlimitError, refusal: RlimitError) -> RlimitError:
        index = error.edit_index
        if index is not None:
            raising_items = self.plan.raising_items
            error = replace_details(
                error, edit_index=raising_items[index].index if index < len(raising_items) else None
            )
        if error.code in (Code.AGENT_UNREACHABLE, Code.UNTRUSTED_SOCKET):
            return replace_details(
                error,
                message=f"{refusal.message}, and {error.message}",
                resource=refusal.resource,
                edit_index=refusal.edit_index,
            )
        return error

    # As far as the kernel goes; a clamp that is refused falls short for the reason.
    def _apply_without_agent(self, item: PlanItem, reason: RlimitError) -> None:
        try:
            self._apply_item(item)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise complete_error(error, item.resource, item.index) from error
            if not item.is_clamp:
                raise reason from error
            self._apply_soft_only(item, reason)

    # The edit as far as the kernel goes; a clamp that is above the system's ceiling stops there.
    def _apply_item(self, item: PlanItem) -> None:
        try:
            self._apply_limit(item, item.wanted, item.now)
        except RlimitError as error:
            if error.code != Code.ABOVE_SYSTEM_CEILING or not item.is_clamp:
                raise
            ceiling = system_calls.read_nr_open()
            if ceiling is None or ceiling <= item.now.hard:
                return self._apply_soft_only(item, error)
            max_limit = Limit(min(item.wanted.soft, ceiling), ceiling)
            self._apply_limit(item, max_limit, item.now, complete_error(error, item.resource, item.index))
        return None

    # A clamp without its hard half, and nothing of it where even that is refused.
    def _apply_soft_only(self, item: PlanItem, reason: RlimitError) -> None:
        reason = complete_error(reason, item.resource, item.index)
        max_limit = Limit(min(item.wanted.soft, item.now.hard), item.now.hard)
        try:
            self._apply_limit(item, max_limit, item.now, reason)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise
            self._apply_limit(item, item.now, item.now, reason)

    # What the edit also lowers, or all of it where there was nothing to raise.
    def _lower_item(self, item: PlanItem) -> None:
        change = self._changes[item.index]
        if change is None:
            return self._apply_limit(item, item.wanted, item.now)
        self._apply_limit(item, item.planned_limit(change.new), change.new)
        lowered = self._changes[item.index]
        self._changes[item.index] = change._replace(new=lowered.new if lowered else change.new)
        return None

    # One prlimit(2), or none where nothing changes. `expected` is what the limits should be before it: where they were not, a
    # compare-and-set fails, and any other edit is worked out anew from what they were.
    def _apply_limit(
        self, item: PlanItem, wanted: Limit, expected: Limit, shortfall: Optional[RlimitError] = None
    ) -> None:
        change = Change(item.resource, expected, wanted, "kernel", shortfall=shortfall)
        if wanted != expected:
            change = change._replace(old=self._target.set_limit(item.resource, wanted))
            self._applied.append(change)
        if change.old != expected:
            if item.edit.expect is not None:
                raise conflict(item.resource, change.old, expected, item.index)
            new = item.planned_limit(change.old)
            if shortfall is not None:
                new = Limit(max(change.old.soft, wanted.soft), max(change.old.hard, wanted.hard))
            change = change._replace(new=new)
            if new != wanted:
                try:
                    self._target.set_limit(item.resource, new)
                except RlimitError:
                    item.replan(wanted, new)
                    raise
                self._applied[-1] = change
        self._changes[item.index] = change

    # Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
    def _undo_applied(self, error: RlimitError) -> RlimitError:
        message = error.message
        while self._applied:
            change = self._applied.pop()
            try:
                if self._target.get_limit(change.resource) == change.new:
                    self._target.set_limit(change.resource, change.old)
            except RlimitError as failed:
                if failed.code != Code.NO_SUCH_PROCESS:
                    message += f"; {change.resource} could not be put back to {change.old}"
        self._changes = [None] * len(self._changes)
        return replace_details(error, message=message)


# Whether the kernel refused what the agent might give.
def _is_refusal(error: RlimitError, item: PlanItem) -> bool:
    if not item.raises:
        return False
    return error.code == Code.DENIED_BY_KERNEL or (error.code == Code.ABOVE_SYSTEM_CEILING and item.is_clamp)
