"""How good a place the cluster is just now, in numbers that a Placement can rank by: an AddOnPlacementScore. Pure.

`cpuFree`, `memoryFree` and `podsFree` are hundredths of what the usable nodes have in all; `workflowsRunning` and
`workflowsQueued` count Workflows, whoever has made them, as negative numbers, since more is better for a prioritizer.
A score that is not known is left out, which counts as 0 (OCM's rule for a score that is missing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from agent.decide.capacity import Room
from controllers.api.meta import parsed, timestamp

Json = dict[str, Any]

# The limits of a score, by its API.
_MOST: Final = 100

# For how long scores hold. An agent that has died must not have the best cluster for ever.
VALID: Final = timedelta(minutes=5)
# They are told again when half of that is over, and at once when one of them has moved by more than this.
_MOVE: Final = 5

_NOT_STARTED: Final = ("", "Pending")


class Counts(NamedTuple):
    """Unfinished Workflows of the cluster."""

    running: int = 0
    queued: int = 0


def counted(phases: Iterable[str]) -> Counts:
    """Of Workflows that have not finished, by their phase; "": Argo has not seen it yet."""
    known = list(phases)
    queued = sum(phase in _NOT_STARTED for phase in known)
    return Counts(len(known) - queued, queued)


def scores(room: Room | None, counts: Counts | None) -> dict[str, int]:
    """The scores by name; None: that is not known."""
    found: dict[str, int] = {}
    if room is not None:
        pairs = zip(("cpuFree", "memoryFree", "podsFree"), room.total, room.free, strict=True)
        found = {name: _MOST * free // total for name, total, free in pairs if total}
    if counts is not None:
        found["workflowsRunning"] = -min(counts.running, _MOST)
        found["workflowsQueued"] = -min(counts.queued, _MOST)
    return found


def status(found: Mapping[str, int], now: datetime) -> Json:
    """The status of the AddOnPlacementScore."""
    items = [{"name": name, "value": value} for name, value in sorted(found.items())]
    return {"scores": items, "validUntil": timestamp(now + VALID)}


def due(told: Json | None, found: Mapping[str, int], now: datetime) -> float:
    """In how many seconds the scores are to be told; 0: at once. `told`: the status as it is; None: there is none."""
    before = {item["name"]: item["value"] for item in (told or {}).get("scores") or []}
    until = (told or {}).get("validUntil")
    if not until or before.keys() != found.keys():
        return 0.0
    if any(abs(before[name] - value) > _MOVE for name, value in found.items()):
        return 0.0
    try:
        return max(0.0, (parsed(until) - VALID / 2 - now).total_seconds())
    except (ValueError, OverflowError):
        return 0.0  # somebody else has written that
