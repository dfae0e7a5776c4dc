"""What goes to the hub at once, and what may wait."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.capacity import Amounts, Room
from agent.decide.pace import Hold, free_due, hold, is_phase_change, is_verdict, sooner
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


@pytest.mark.parametrize(
    ("due", "idle", "expected"),
    [
        # not due yet: by the clock, whatever the agent has to do
        (0.4, True, Hold(0.4)),
        (0.4, False, Hold(0.4)),
        # due: at once if nobody else waits, else at an idle moment, and in the end in any case
        (0.0, True, None),
        (-3.0, True, None),
        (0.0, False, Hold(5.0, idle=True)),
        (-3.0, False, Hold(2.0, idle=True)),
        (-5.0, False, None),
        (-9.0, False, None),
    ],
)
def test_a_report_waits_until_it_is_due_and_then_for_others_but_not_for_ever(
    due: float, idle: bool, expected: Hold | None
) -> None:
    assert hold(due, idle=idle, patience=5.0) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, None, None),
        (Hold(1.0), None, Hold(1.0)),
        (None, Hold(1.0, idle=True), Hold(1.0, idle=True)),
        (Hold(0.5), Hold(30.0, idle=True), Hold(0.5)),
        (Hold(60.0), Hold(30.0, idle=True), Hold(30.0, idle=True)),
    ],
)
def test_of_two_holds_the_one_that_ends_first_counts(
    one: Hold | None, other: Hold | None, expected: Hold | None
) -> None:
    assert sooner(one, other) == expected


TOTAL = Amounts(100_000, 1000, 100)
FREE = Amounts(50_000, 500, 50)


@pytest.mark.parametrize(
    ("known", "free", "since", "expected"),
    [
        (None, FREE, 0.0, 0.0),
        # a little: once a minute
        (FREE, Amounts(45_000, 550, 55), 0.0, 60.0),
        (FREE, Amounts(45_000, 550, 55), 45.0, 15.0),
        (FREE, Amounts(45_000, 550, 55), 61.0, 0.0),
        # more than a twentieth of all there is, of any of them, in any direction
        (FREE, FREE._replace(cpu=44_999), 0.0, 0.0),
        (FREE, FREE._replace(cpu=55_001), 0.0, 0.0),
        (FREE, FREE._replace(memory=449), 0.0, 0.0),
        (FREE, FREE._replace(pods=56), 0.0, 0.0),
        # whether another pod fits in
        (FREE._replace(pods=1), FREE._replace(pods=0), 0.0, 0.0),
        (FREE._replace(pods=0), FREE._replace(pods=1), 0.0, 0.0),
        (FREE._replace(pods=0), FREE._replace(pods=0, cpu=50_001), 0.0, 60.0),
    ],
)
def test_what_is_free_is_told_at_once_if_it_has_moved_much_and_else_once_a_minute(
    known: Amounts | None, free: Amounts, since: float, expected: float
) -> None:
    assert free_due(known, Room(TOTAL, free), since=since) == expected


def test_a_cluster_that_has_lost_its_nodes_says_so_at_once() -> None:
    assert free_due(FREE, Room(Amounts(), Amounts()), since=0.0) == 0.0
