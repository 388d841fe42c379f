"""A plan being carried out: the kernel first, then the agent for all that raises, and last what the client lowers itself.

All or nothing: what was made before a refusal is taken back.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from . import _kernel
from ._plan import Item, Plan, conflict
from ._subject import Subject
from ._values import Limit
from .errors import Code, RlimitError, about, changed, failure
from .results import Change

# The agent, by saying this, or by not being there, has surely changed nothing and is no help either.
_LEAVES_ALL_AS_IT_WAS = frozenset(
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


class Run:
    """The three steps are apart so that whoever runs them may wait for the agent as it likes."""

    def __init__(self, plan: Plan, subject: Subject) -> None:
        self.plan = plan
        self._subject = subject
        # By place in the batch.
        self._changes: List[Optional[Change]] = [None] * len(plan.items)
        # In the order in which they were made.
        self._made: List[Change] = []

    @property
    def result(self) -> List[Change]:
        """A change for each edit, in their order."""
        return [change for change in self._changes if change is not None]

    def ask_kernel(self) -> Optional[RlimitError]:
        """Makes all of the batch, or nothing and returns why the agent is to be asked for ``plan.agent_part``."""
        comparing = self.plan.comparing
        if comparing is not None:
            return failure(
                Code.UNSUPPORTED,
                f"only the agent can raise {comparing.resource} on a condition: the kernel has no such call",
                resource=comparing.resource,
                edit_index=comparing.index,
            )
        for item in self.plan.in_safe_order:
            try:
                self._make(item)
            except RlimitError as error:
                refusal = self._undone(about(error, item.resource, item.index))
                if not _is_refusal(error, item):
                    raise refusal from error
                return refusal
        return None

    def finish_with(self, granted: Sequence[Change]) -> List[Change]:
        """The agent made what raises; lowers what is left to lower."""
        if [change.resource for change in granted] != [item.resource for item in self.plan.raising]:
            raise failure(Code.MALFORMED, "the agent answered other edits than it was asked for")
        for item, change in zip(self.plan.raising, granted):
            self._changes[item.index] = change
            self._made.append(change)
        for item in self.plan.in_safe_order:
            if not item.lowers and self._changes[item.index] is not None:
                continue
            try:
                self._lower(item)
            except RlimitError as error:
                raise self._undone(about(error, item.resource, item.index)) from error
        return self.result

    def finish_after(self, error: RlimitError, refusal: RlimitError) -> List[Change]:
        """The agent did not do its part. Makes what can be made without it, where it surely changed nothing."""
        reason = self._explained(error, refusal)
        if error.code not in _LEAVES_ALL_AS_IT_WAS or self.plan.comparing is not None:
            raise reason
        for item in self.plan.in_safe_order:
            try:
                self._make_alone(item, reason)
            except RlimitError as failed:
                raise self._undone(failed)
        return self.result

    # The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    def _explained(self, error: RlimitError, refusal: RlimitError) -> RlimitError:
        place = error.edit_index
        if place is not None:
            raising = self.plan.raising
            error = changed(error, edit_index=raising[place].index if place < len(raising) else None)
        if error.code in (Code.AGENT_UNREACHABLE, Code.UNTRUSTED_SOCKET):
            return changed(
                error,
                message=f"{refusal.message}, and {error.message}",
                resource=refusal.resource,
                edit_index=refusal.edit_index,
            )
        return error

    # As far as the kernel goes; a clamp that is refused falls short for the reason.
    def _make_alone(self, item: Item, reason: RlimitError) -> None:
        try:
            self._make(item)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise about(error, item.resource, item.index) from error
            if not item.is_clamp:
                raise reason from error
            self._make_soft_alone(item, reason)

    # The edit as far as the kernel goes; a clamp that is above the system's ceiling stops there.
    def _make(self, item: Item) -> None:
        try:
            self._exchange(item, item.wanted, item.now)
        except RlimitError as error:
            if error.code != Code.ABOVE_SYSTEM_CEILING or not item.is_clamp:
                raise
            ceiling = _kernel.files_ceiling()
            if ceiling is None or ceiling <= item.now.hard:
                return self._make_soft_alone(item, error)
            most = Limit(min(item.wanted.soft, ceiling), ceiling)
            self._exchange(item, most, item.now, about(error, item.resource, item.index))
        return None

    # A clamp without its hard half, and nothing of it where even that is refused.
    def _make_soft_alone(self, item: Item, reason: RlimitError) -> None:
        reason = about(reason, item.resource, item.index)
        most = Limit(min(item.wanted.soft, item.now.hard), item.now.hard)
        try:
            self._exchange(item, most, item.now, reason)
        except RlimitError as error:
            if not _is_refusal(error, item):
                raise
            self._exchange(item, item.now, item.now, reason)

    # What the edit also lowers, or all of it where there was nothing to raise.
    def _lower(self, item: Item) -> None:
        change = self._changes[item.index]
        if change is None:
            return self._exchange(item, item.wanted, item.now)
        self._exchange(item, item.wanted_from(change.new), change.new)
        lowered = self._changes[item.index]
        self._changes[item.index] = change._replace(new=lowered.new if lowered else change.new)
        return None

    # One prlimit(2), or none where nothing changes. `expected` is what the limits should be before it: where they were not, a
    # compare-and-set fails, and any other edit is worked out anew from what they were.
    def _exchange(self, item: Item, wanted: Limit, expected: Limit, shortfall: Optional[RlimitError] = None) -> None:
        change = Change(item.resource, expected, wanted, "kernel", shortfall=shortfall)
        if wanted != expected:
            change = change._replace(old=self._subject.exchange(item.resource, wanted))
            self._made.append(change)
        if change.old != expected:
            if item.edit.expect is not None:
                raise conflict(item.resource, change.old, expected, item.index)
            new = item.wanted_from(change.old)
            if shortfall is not None:
                new = Limit(max(change.old.soft, wanted.soft), max(change.old.hard, wanted.hard))
            change = change._replace(new=new)
            if new != wanted:
                try:
                    self._subject.exchange(item.resource, new)
                except RlimitError:
                    item.becomes(wanted, new)
                    raise
                self._made[-1] = change
        self._changes[item.index] = change

    # Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
    def _undone(self, error: RlimitError) -> RlimitError:
        message = error.message
        while self._made:
            change = self._made.pop()
            try:
                if self._subject.read(change.resource) == change.new:
                    self._subject.exchange(change.resource, change.old)
            except RlimitError as failed:
                if failed.code != Code.NO_SUCH_PROCESS:
                    message += f"; {change.resource} could not be put back to {change.old}"
        self._changes = [None] * len(self._changes)
        return changed(error, message=message)


# Whether the kernel refused what the agent might give.
def _is_refusal(error: RlimitError, item: Item) -> bool:
    if not item.raises:
        return False
    return error.code == Code.DENIED_BY_KERNEL or (error.code == Code.ABOVE_SYSTEM_CEILING and item.is_clamp)
