"""The conditions of a whole work, from those of its manifests.

Owns the work's Applied, Available and the aggregates of condition rules (Complete above all), with reasons and
messages of OCM's agent. The result does not depend on the order of the manifests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from agent.decide.conditions import is_from_rule
from controllers.api.conditions import condition, find
from controllers.api.meta import Condition
from controllers.api.work import ManifestCondition

APPLIED = "Applied"
AVAILABLE = "Available"
# The one condition that is True if it is True of any manifest.
PROGRESSING = "Progressing"


def work_conditions(
    manifests: Sequence[ManifestCondition], *, generation: int, now: datetime
) -> list[Condition]:
    """The work's conditions: Applied if any manifest has it, Available always, then the rules' by name."""
    rule_types = sorted(
        {
            found.type
            for manifest in manifests
            for found in manifest.conditions
            if is_from_rule(found) and found.type != AVAILABLE
        }
    )
    applied = _applied(manifests, generation, now)
    return [
        *([applied] if applied else []),
        _available(manifests, generation, now),
        *(_from_rules(kind, manifests, generation, now) for kind in rule_types),
    ]


def _applied(manifests: Sequence[ManifestCondition], generation: int, now: datetime) -> Condition | None:
    statuses = {found.status for found in _all(APPLIED, manifests)}
    if not statuses:
        return None
    if "False" in statuses:
        return condition(
            APPLIED, False, "AppliedManifestWorkFailed", "Failed to apply manifest work", now, generation
        )
    return condition(
        APPLIED, True, "AppliedManifestWorkComplete", "Apply manifest work complete", now, generation
    )


def _available(manifests: Sequence[ManifestCondition], generation: int, now: datetime) -> Condition:
    count = Counter(found.status for found in _all(AVAILABLE, manifests))
    total = len(manifests)
    status: bool | None = None
    reason = "ResourcesStatusUnknown"
    if count["False"]:
        status, reason = False, "ResourcesNotAvailable"
        text = f"{count['False']} of {total} resources are not available"
    elif count["Unknown"]:
        text = f"{count['Unknown']} of {total} resources have unknown status"
    elif not count["True"]:
        text = "cannot get any available resource"
    else:
        status, reason, text = True, "ResourcesAvailable", "All resources are available"
    return condition(AVAILABLE, status, reason, text, now, generation)


def _from_rules(
    kind: str, manifests: Sequence[ManifestCondition], generation: int, now: datetime
) -> Condition:
    """False wins over Unknown, and Unknown over True; for Progressing True wins over Unknown, and that over
    False. A single manifest's message is the work's."""
    found = [one for one in _all(kind, manifests) if is_from_rule(one)]
    statuses = {one.status for one in found}
    precedence = ("True", "Unknown", "False") if kind == PROGRESSING else ("False", "Unknown", "True")
    winner = next(status for status in precedence if status in statuses)
    message = found[0].message if len(found) == 1 else ""
    return condition(
        kind,
        {"True": True, "False": False, "Unknown": None}[winner],
        "ConditionRulesAggregated",
        message or f"Aggregated from {len(found)} manifest conditions",
        now,
        generation,
    )


def _all(kind: str, manifests: Sequence[ManifestCondition]) -> list[Condition]:
    found = (find(manifest.conditions, kind) for manifest in manifests)
    return [one for one in found if one is not None]
