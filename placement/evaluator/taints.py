"""Which taints of a cluster a Placement tolerates, and until when.

Rules of OCM's placement controller (v1.2.0): PreferNoSelect keeps nobody off; NoSelectIfNew keeps off who has not
selected the cluster yet; anything else needs a toleration that matches, and has not run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from controllers.api.cluster import Taint
from controllers.api.meta import parsed
from controllers.api.placement_policy import Toleration
from controllers.misconfigured import Misconfigured

PREFER_NO_SELECT: Final = "PreferNoSelect"
NO_SELECT_IF_NEW: Final = "NoSelectIfNew"
_EXISTS: Final = "Exists"
_EQUAL: Final = ("Equal", "")

# When a toleration without tolerationSeconds ends.
NEVER: Final = datetime.max.replace(tzinfo=UTC)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Tolerance(NamedTuple):
    """`refused`: the first taint that keeps the Placement off; None: there is none. `until`: when the first of the
    tolerations that it takes runs out, an aware time; None: none of them does."""

    refused: Taint | None = None
    until: datetime | None = None


def check(tolerations: Sequence[Toleration]) -> None:
    """Raises Misconfigured for a toleration that means nothing."""
    for index, toleration in enumerate(tolerations):
        field = f"spec.tolerations[{index}]"
        if toleration.operator not in (_EXISTS, *_EQUAL):
            raise Misconfigured(f"{field}.operator", f"{toleration.operator!r} is not Equal or Exists")
        if not toleration.key and toleration.operator != _EXISTS:
            raise Misconfigured(f"{field}.operator", "If the key is empty, operator must be Exists.")
        if toleration.operator == _EXISTS and toleration.value:
            raise Misconfigured(f"{field}.value", "If the operator is Exists, the value should be empty.")


def tolerance(
    taints: Sequence[Taint], tolerations: Sequence[Toleration], *, decided: bool, now: datetime
) -> Tolerance:
    """How a Placement stands to a cluster with these taints. `decided`: it has selected the cluster already."""
    ends = []
    for taint in taints:
        if taint.effect == PREFER_NO_SELECT or (taint.effect == NO_SELECT_IF_NEW and decided):
            continue
        # Of several tolerations that match, the one that lasts longest counts.
        end = max((_end(taint, item) for item in tolerations if _matches(taint, item)), default=None)
        if end is None or end <= now:
            return Tolerance(refused=taint)
        if end != NEVER:
            ends.append(end)
    return Tolerance(until=min(ends, default=None))


def described(taint: Taint) -> str:
    """As kubectl writes a taint: `key=value:effect`."""
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def _matches(taint: Taint, toleration: Toleration) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    return toleration.operator == _EXISTS or toleration.value == taint.value


def _end(taint: Taint, toleration: Toleration) -> datetime:
    """When the toleration of this taint runs out. Without timeAdded it has never begun, as in OCM; so it is with one
    that is no time, or is in the year 0."""
    if toleration.toleration_seconds is None:
        return NEVER
    if taint.time_added is None:
        return _LONG_AGO
    try:
        return parsed(taint.time_added) + timedelta(seconds=toleration.toleration_seconds)
    except ValueError:
        return _LONG_AGO
    except OverflowError:
        return NEVER if toleration.toleration_seconds > 0 else _LONG_AGO
