"""Conditions and the time they last changed.

Owns `lastTransitionTime`: it moves only when the status of a condition does, so that a status which says the
same again is the same status, and is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

import msgspec

from controllers.api.meta import Condition, timestamp

# metav1.Condition's limit; a longer message would make the API server refuse the whole status.
MAX_MESSAGE = 32768


Status = Literal["True", "False", "Unknown"]
_STATUS: dict[bool | None, Status] = {True: "True", False: "False", None: "Unknown"}


def condition(
    kind: str, status: bool | None, reason: str, message: str, now: datetime, generation: int | None = None
) -> Condition:
    """A condition that turned at `now`; status None is Unknown. `merged` puts the earlier time in."""
    return Condition(
        type=kind,
        status=_STATUS[status],
        reason=reason,
        message=message[:MAX_MESSAGE],
        last_transition_time=timestamp(now),
        observed_generation=generation,
    )


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of that type."""
    return next((found for found in conditions if found.type == kind), None)


def is_true(conditions: Iterable[Condition], kind: str) -> bool:
    """Whether the condition is there and True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


def settled(old: Condition | None, new: Condition) -> Condition:
    """`new`, with the time of `old` if the status is the same."""
    if old is None or old.status != new.status:
        return new
    return msgspec.structs.replace(new, last_transition_time=old.last_transition_time)


def merged(
    old: Iterable[Condition], new: Iterable[Condition], *, keep: Callable[[Condition], bool]
) -> list[Condition]:
    """The new conditions, settled, then those of the old ones that `keep` wants and `new` has not."""
    before = {condition.type: condition for condition in old}
    after = {condition.type: settled(before.get(condition.type), condition) for condition in new}
    kept = [condition for condition in before.values() if condition.type not in after and keep(condition)]
    return [*after.values(), *kept]


def with_condition(conditions: Iterable[Condition], new: Condition) -> list[Condition]:
    """The conditions with the new one, settled, in the place of that of its type; equal to them if it says the same."""
    present = list(conditions)
    before = find(present, new.type)
    if before is None:
        return [*present, new]
    return [settled(before, new) if item is before else item for item in present]
