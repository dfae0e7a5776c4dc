"""What goes to the hub at once, and what may wait."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.pace import is_phase_change, is_verdict
from controllers.api.meta import Condition
from controllers.api.work import (
    FeedbackValue,
    FieldValue,
    ManifestCondition,
    ManifestResourceMeta,
    ManifestResourceStatus,
    ManifestWorkStatus,
    StatusFeedback,
)


def condition(kind: str, status: Any = "True", reason: str = "R", **more: Any) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message="",
        last_transition_time="2026-01-01T00:00:00Z",
        **more,
    )


def status(*conditions: Condition, progress: str = "0/1") -> ManifestWorkStatus:
    values = [FeedbackValue(name="progress", value=FieldValue(type="String", string=progress))]
    manifest = ManifestCondition(
        resource_meta=ManifestResourceMeta(ordinal=0),
        status_feedback=StatusFeedback(values=values),
        conditions=list(conditions),
    )
    return ManifestWorkStatus(
        conditions=[item for item in conditions if item.type != "StatusFeedbackSynced"],
        resource_status=ManifestResourceStatus(manifests=[manifest]),
    )


WELL = (condition("Applied"), condition("Available"), condition("StatusFeedbackSynced"))
RUNS = condition("Complete", "False", "ConditionRuleEvaluated")
ENDED = condition("Complete", "True", "ConditionRuleEvaluated")
NONE = ManifestWorkStatus()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # the first status: that all is well goes without saying for a moment
        (NONE, status(*WELL), False),
        (NONE, status(*WELL, RUNS), False),
        (NONE, status(*WELL, ENDED), True),
        (NONE, status(condition("Applied", "False")), True),
        (NONE, status(condition("Applied"), condition("Available", "False")), True),
        (NONE, status(condition("Applied"), condition("StatusFeedbackSynced", "False")), True),
        # later ones
        (status(*WELL, RUNS), status(*WELL, RUNS, progress="1/1"), False),
        (status(*WELL, RUNS), status(*WELL, ENDED), True),
        (status(*WELL), status(condition("Applied", "False"), *WELL[1:]), True),
        (status(*WELL), status(condition("Applied", reason="Other"), *WELL[1:]), True),
        (status(*WELL), status(condition("Applied", observed_generation=2), *WELL[1:]), True),
    ],
)
def test_what_judges_the_work_is_said_at_once(
    old: ManifestWorkStatus, new: ManifestWorkStatus, expected: bool
) -> None:
    assert is_verdict(old, new) is expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [({"phase": "Running"}, True), ({"progress": "1/2", "nodes": {}}, False), ({"phase": None}, True)],
)
def test_a_phase_is_no_mere_progress(difference: dict[str, Any], expected: bool) -> None:
    assert is_phase_change(difference) is expected
