"""How soon the hub must hear of what has changed. Pure.

What a user or a Placement waits for goes at once: a phase, an end, a failure. Mere progress of a run that the hub
knows to be running may wait a little, so that ten pods that end together cost one report and not ten.
"""

from __future__ import annotations

from typing import Any, Final

from agent.decide.aggregate import APPLIED, AVAILABLE
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
