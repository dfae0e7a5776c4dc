"""Condition rules of one manifest, and how a condition keeps its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent.decide.conditions import from_rules, is_from_rule
from controllers.api.conditions import MAX_MESSAGE, condition, merged
from controllers.api.manifestconfig import ConditionRule
from controllers.api.meta import timestamp
from tests.unit.agent.judging import judgements

NOW = datetime(2026, 11, 21, 9, 30, 15, 999, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)

Outcome = tuple[str, str, str, str]


def rule(*expressions: str, condition: str = "Complete", kind: str = "CEL", **more: str) -> ConditionRule:
    return ConditionRule(condition=condition, type=kind, cel_expressions=list(expressions), **more)


def outcomes(live: dict[str, Any], *rules: ConditionRule) -> list[Outcome]:
    found = from_rules(judgements(live, rules), generation=4, now=NOW)
    assert all(one.observed_generation == 4 for one in found)
    assert all(one.last_transition_time == "2026-11-21T09:30:15Z" for one in found)
    return [(one.type, one.status, one.reason, one.message) for one in found]


DONE = {"status": {"phase": "Succeeded", "n": 1}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            rule("object.status.phase == 'Succeeded'"),
            ("True", "ConditionRuleEvaluated", "Manifest is Complete"),
        ),
        (rule("object.status.n > 1"), ("False", "ConditionRuleEvaluated", "Manifest is not Complete")),
        (
            rule("true", "false", "object.boom"),
            ("False", "ConditionRuleEvaluated", "Manifest is not Complete"),
        ),
        (rule("false", "syntax ("), ("False", "ConditionRuleEvaluated", "Manifest is not Complete")),
        (
            rule("true", "object.boom"),
            ("False", "ConditionRuleExpressionError", 'Key not found in map : "boom"'),
        ),
        (
            rule("object.status.phase"),
            ("False", "ConditionRuleExpressionError", "expected bool result, got string"),
        ),
        (rule("true", message="done"), ("True", "ConditionRuleEvaluated", "done")),
        (
            rule("true", message="done", message_expression="'in ' + object.status.phase"),
            ("True", "ConditionRuleEvaluated", "in Succeeded"),
        ),
        (
            rule("false", message_expression="result ? 'yes' : 'no'"),
            ("False", "ConditionRuleEvaluated", "no"),
        ),
        (rule("true", message="done", message_expression="''"), ("True", "ConditionRuleEvaluated", "done")),
        (
            rule("true", message="done", message_expression="1"),
            (
                "True",
                "ConditionRuleEvaluated",
                "expected message expression to have a string result, got int",
            ),
        ),
        (
            rule("true", message_expression="badcel"),
            (
                "True",
                "ConditionRuleEvaluated",
                "ERROR: <input>:1:1: undeclared reference to 'badcel' (in container '')",
            ),
        ),
        (
            rule(kind="Oracle"),
            ("Unknown", "ConditionRuleInvalid", "unrecognized condition rule type Oracle"),
        ),
        (rule(), ("True", "ConditionRuleEvaluated", "Manifest is Complete")),
    ],
)
def test_cel_rules(given: ConditionRule, expected: tuple[str, str, str]) -> None:
    assert outcomes(DONE, given) == [("Complete", *expected)]


@pytest.mark.parametrize("name", ["Applied", "StatusFeedbackSynced", "no spaces", ""])
def test_conditions_that_no_rule_may_set(name: str) -> None:
    assert outcomes(DONE, rule("true", condition=name)) == []


JOB = {"apiVersion": "batch/v1", "kind": "Job"}
POD = {"apiVersion": "v1", "kind": "Pod"}


def job(kind: str, status: str) -> dict[str, Any]:
    return JOB | {
        "status": {"conditions": [{"type": "Z", "status": "True"}, {"type": kind, "status": status}]}
    }


@pytest.mark.parametrize(
    ("live", "status", "reason", "message"),
    [
        (job("Complete", "True"), "True", "ConditionRuleEvaluated", "Job is finished"),
        (job("Failed", "True"), "True", "ConditionRuleEvaluated", "Job is finished"),
        (job("Complete", "False"), "False", "ConditionRuleEvaluated", "Job is not finished"),
        (JOB | {"status": {}}, "False", "ConditionRuleEvaluated", "Job is not finished"),
        (JOB, "False", "ConditionRuleExpressionError", 'Key not found in map : "status"'),
        (
            POD | {"status": {"phase": "Failed"}},
            "True",
            "ConditionRuleEvaluated",
            "Pod is in phase Failed",
        ),
        (
            POD | {"status": {"phase": "Running"}},
            "False",
            "ConditionRuleEvaluated",
            "Pod is in phase Running",
        ),
    ],
)
def test_well_known_completion(live: dict[str, Any], status: str, reason: str, message: str) -> None:
    assert outcomes(live, rule(kind="WellKnownConditions")) == [("Complete", status, reason, message)]


def test_messages_of_well_known_rules_can_be_given() -> None:
    live = POD | {"status": {"phase": "Failed"}}
    own = rule(kind="WellKnownConditions", message_expression="object.status.phase")
    assert outcomes(live, own) == [("Complete", "True", "ConditionRuleEvaluated", "Failed")]


def test_well_known_rules_without_a_match_say_nothing() -> None:
    assert outcomes({"apiVersion": "v1", "kind": "Secret"}, rule(kind="WellKnownConditions")) == []
    assert outcomes(POD, rule(kind="WellKnownConditions", condition="Ready")) == []


# -- time ------------------------------------------------------------------------------------------------
def test_times_are_written_in_utc_to_the_second() -> None:
    east = timezone(timedelta(hours=8))
    assert timestamp(datetime(2026, 11, 21, 17, 30, 15, 5, tzinfo=east)) == "2026-11-21T09:30:15Z"


def test_the_time_moves_only_with_the_status() -> None:
    old = [condition("A", True, "R", "m", NOW, 1), condition("B", True, "R", "m", NOW, 1)]
    new = [condition("A", True, "S", "other", LATER, 2), condition("B", None, "R", "m", LATER, 2)]
    [first, second] = merged(old, new, keep=lambda _: False)
    assert (first.last_transition_time, first.reason, first.message, first.observed_generation) == (
        timestamp(NOW),
        "S",
        "other",
        2,
    )
    assert second.last_transition_time == timestamp(LATER)


def test_foreign_conditions_are_kept_on_request() -> None:
    old = [
        condition("Deleting", True, "WorkDeleting", "", NOW),
        condition("X", True, "ConditionRuleY", "", NOW),
    ]
    kept = merged(old, [condition("A", True, "R", "", NOW)], keep=lambda one: not is_from_rule(one))
    assert [one.type for one in kept] == ["A", "Deleting"]


def test_long_messages_are_cut_to_what_the_api_takes() -> None:
    assert len(condition("A", True, "R", "x" * 40000, NOW).message) == MAX_MESSAGE
