"""Applies a plan: the kernel first, then the agent for the edits that raise, and last the edits that lower.

A batch is applied completely or not at all. The edits before a refused one are undone.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from .._kernel import system_calls
from .._kernel.resolved_target import ResolvedTarget
from .._limits import Limit
from ..errors import Code, RlimitError, attributed, make_error, replace_details
from ..results import Change
from .edit_plan import EditPlan, PlanItem, conflict

# Codes of the agent, or of the failed connection to it, after which it has certainly changed nothing.
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
    """The changes of one batch so far.

    Its steps are separate, so that the caller can wait for the agent between them with or without an event loop.
    """

    def __init__(self, plan: EditPlan, target: ResolvedTarget) -> None:
        self.plan = plan
        self._target = target
        # By index in the batch.
        self._changes: List[Optional[Change]] = [None] * len(plan.items)
        # In the order of application.
        self._applied: List[Change] = []

    @property
    def result(self) -> List[Change]:
        """A change for each edit, in the order of the batch."""
        return [change for change in self._changes if change is not None]

    def apply_in_kernel(self) -> Optional[RlimitError]:
        """Applies the whole batch and returns None.

        If the kernel refuses an edit, applies nothing and returns why the agent must make ``plan.agent_part``.
        """
        conditional_item = self.plan.conditional_item
        if conditional_item is not None:
            return make_error(
                Code.UNSUPPORTED,
                f"only the agent can raise {conditional_item.resource} conditionally: the kernel has no such call",
                resource=conditional_item.resource,
                edit_index=conditional_item.index,
            )
        for item in self.plan.in_safe_order:
            try:
                self._apply_item(item)
            except RlimitError as error:
                refusal = self._undo_applied(attributed(error, item.resource, item.index))
                if not _is_refusal(error, item):
                    raise refusal from error
                return refusal
        return None

    def finish_with_agent(self, granted: Sequence[Change]) -> List[Change]:
        """Applies the edits that lower, after the agent has made the ones that raise."""
        if [change.resource for change in granted] != [item.resource for item in self.plan.raising_items]:
            raise make_error(Code.MALFORMED, "the agent's response is about other edits than the request")
        for item, change in zip(self.plan.raising_items, granted):
            self._changes[item.index] = change
            self._applied.append(change)
        for item in self.plan.in_safe_order:
            if not item.lowers and self._changes[item.index] is not None:
                continue
            try:
                self._lower_item(item)
            except RlimitError as error:
                raise self._undo_applied(attributed(error, item.resource, item.index)) from error
        return self.result

    def finish_without_agent(self, error: RlimitError, refusal: RlimitError) -> List[Change]:
        """Applies as much as the kernel allows after the agent failed, if the agent has certainly changed nothing."""
        reason = self._with_kernel_reason(error, refusal)
        if error.code not in _CHANGED_NOTHING or self.plan.conditional_item is not None:
            raise reason
        for item in self.plan.in_safe_order:
            try:
                self._apply_without_agent(item, reason)
            except RlimitError as failed:
                raise self._undo_applied(failed)
        return self.result

    # The index in the agent's error counts the edits that the agent received. Without an agent, the kernel's reason
    # comes first.
    def _with_kernel_reason(self, error: RlimitError, refusal: RlimitError) -> RlimitError:
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

    # A refused clamp keeps what the kernel allows, and reports the reason as its shortfall.
    def _apply_without_agent(self, item: PlanItem, reason: RlimitError) -> None:
        try:
            self._apply_item(item)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise attributed(error, item.resource, item.index) from error
            if not item.is_clamp:
                raise reason from error
            self._apply_soft_only(item, reason)

    # A clamp above fs.nr_open stops at fs.nr_open.
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
            self._apply_limit(item, max_limit, item.now, attributed(error, item.resource, item.index))
        return None

    # Applies a clamp to the soft limit only, or not at all if that is refused too.
    def _apply_soft_only(self, item: PlanItem, reason: RlimitError) -> None:
        reason = attributed(reason, item.resource, item.index)
        max_limit = Limit(min(item.wanted.soft, item.now.hard), item.now.hard)
        try:
            self._apply_limit(item, max_limit, item.now, reason)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise
            self._apply_limit(item, item.now, item.now, reason)

    # Applies the half that the edit lowers, or the whole edit if it raises nothing.
    def _lower_item(self, item: PlanItem) -> None:
        change = self._changes[item.index]
        if change is None:
            return self._apply_limit(item, item.wanted, item.now)
        self._apply_limit(item, item.planned_limit(change.new), change.new)
        lowered = self._changes[item.index]
        self._changes[item.index] = change._replace(new=lowered.new if lowered else change.new)
        return None

    # One prlimit(2), or none if nothing changes. `expected` are the limits that should precede it. If the limits were
    # others, a compare-and-set fails, and any other edit is computed again from those limits.
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

    # Restores the limits in reverse order, except those that another process has changed since. The message names the
    # limits that could not be restored.
    def _undo_applied(self, error: RlimitError) -> RlimitError:
        message = error.message
        while self._applied:
            change = self._applied.pop()
            try:
                if self._target.get_limit(change.resource) == change.new:
                    self._target.set_limit(change.resource, change.old)
            except RlimitError as failed:
                if failed.code != Code.NO_SUCH_PROCESS:
                    message += f"; {change.resource} could not be restored to {change.old}"
        self._changes = [None] * len(self._changes)
        return replace_details(error, message=message)


# Whether the kernel refused an edit that the agent may grant.
def _is_refusal(error: RlimitError, item: PlanItem) -> bool:
    if not item.raises:
        return False
    return error.code == Code.DENIED_BY_KERNEL or (error.code == Code.ABOVE_SYSTEM_CEILING and item.is_clamp)
