"""How soon the hub must hear of what has changed. Pure.

What a user or a Placement waits for goes at once: a phase, an end, a failure. Mere progress of a run that the hub
knows to be running may wait a little, so that ten pods that end together cost one report and not ten. While other
works wait for their turn it waits longer, and so does the book-keeping after an end that the hub's user sees already.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agent.decide.aggregate import APPLIED, AVAILABLE
from agent.decide.capacity import Amounts, Room
from agent.decide.conditions import is_from_rule
from controllers.api.meta import Condition
from controllers.api.work import ManifestWorkStatus

# Seconds between two reports of mere progress in the full status: what a person watching does not notice.
PROGRESS: Final = 0.5
# Seconds for which the first status of a work waits for something to say. "Applied" alone is seldom the last word.
FIRST_STATUS: Final = 1.0
# Seconds between two statuses of a work that say nothing but what the full status says too. OCM's agent reads
# feedback every 10 to 19 s, so nobody who reads it there expects it sooner.
FEEDBACK: Final = 10.0
# Seconds for which a report may wait, after it was due, for a moment in which the agent has nothing else to do:
# progress, which a person may be watching, and what nobody looks at.
BUSY_PROGRESS: Final = 5.0
BUSY_STATUS: Final = 30.0
# Seconds between two reports of what is free in the cluster, unless by then it has moved by more than this share of
# all there is.
FREE: Final = 60.0
FREE_SHARE: Final = 0.05


class Hold(NamedTuple):
    """For how long a report is held back. `seconds` > 0; `idle`: an idle moment of the agent ends it sooner."""

    seconds: float
    idle: bool = False


def hold(due: float, *, idle: bool, patience: float) -> Hold | None:
    """Whether a report waits that is due in `due` seconds, less than 0 if it was due before; None: it goes now.

    `idle`: the agent has nothing else to do. `patience`: for how many seconds after that it waits for such a moment.
    """
    if due > 0:
        return Hold(due)
    if idle or due + patience <= 0:
        return None
    return Hold(due + patience, idle=True)


def sooner(one: Hold | None, other: Hold | None) -> Hold | None:
    """The hold that ends first; what is left of the other one is decided then."""
    return min(
        (item for item in (one, other) if item is not None), key=lambda item: item.seconds, default=None
    )


def free_due(known: Amounts | None, now: Room, *, since: float) -> float:
    """In how many seconds the hub is to hear what is free; 0: at once.

    `known`: what it takes to be free, None: it does not know. `since`: for how many seconds it has known that.
    """
    if known is None or (known.pods == 0) != (now.free.pods == 0):
        return 0.0
    moves = zip(known, now.free, now.total, strict=True)
    if any(abs(was - free) > FREE_SHARE * total for was, free, total in moves):
        return 0.0
    return max(0.0, FREE - since)


def is_phase_change(difference: dict[str, Any]) -> bool:
    """Whether a merge patch of a Workflow's status moves its phase."""
    return "phase" in difference


def is_verdict(old: ManifestWorkStatus, new: ManifestWorkStatus) -> bool:
    """Whether `new` judges the work otherwise than `old`: applied or not, available or not, complete or not.

    For a work whose Workflow is reported in full elsewhere; values of the feedback alone are no verdict then. That
    all is well is no verdict either, as long as there was none: it goes without saying for FIRST_STATUS seconds.
    """
    if old.conditions:
        return _verdicts(old) != _verdicts(new)
    return any(_is_news(condition) for condition in _conditions(new))


def _is_news(condition: Condition) -> bool:
    if condition.type in (APPLIED, AVAILABLE) or not is_from_rule(condition):
        return condition.status != "True"
    return condition.status == "True"


def _verdicts(status: ManifestWorkStatus) -> list[tuple[str, str, str, int | None]]:
    return [(one.type, one.status, one.reason, one.observed_generation) for one in _conditions(status)]


def _conditions(status: ManifestWorkStatus) -> list[Condition]:
    of_manifests = (one for manifest in status.resource_status.manifests for one in manifest.conditions)
    return [*status.conditions, *of_manifests]
