"""The status of a Placement."""

from __future__ import annotations

import msgspec

from controllers.api.meta import Condition, parsed
from controllers.api.placement import Placement, PlacementStatus
from placement.evaluator.decisions import pages
from placement.evaluator.evaluate import Evaluation, Verdict
from placement.evaluator.groups import Group
from placement.evaluator.status import placement_status
from tests.unit.placement.evaluator.build import placement

NOW, LATER = "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"
DONE = Verdict("PlacementSatisfied", "True", "AllDecisionsScheduled", "All cluster decisions scheduled")
SHORT = Verdict("PlacementSatisfied", "False", "NotAllDecisionsScheduled", "1 cluster decisions unscheduled")
SHORTER = Verdict(
    "PlacementSatisfied", "False", "NotAllDecisionsScheduled", "2 cluster decisions unscheduled"
)
FINE = Verdict("PlacementMisconfigured", "False", "Succeedconfigured", "Placement configurations check pass")


def after(given: Placement, satisfied: Verdict, clusters: tuple[str, ...] | None, now: str) -> Placement:
    groups = None if clusters is None else (Group("", clusters),)
    evaluation = Evaluation(groups, satisfied, FINE)
    status = placement_status(given, evaluation, pages(given, groups or ()), parsed(now))
    return msgspec.structs.replace(given, status=status)


def condition(given: Placement, name: str) -> Condition:
    (found,) = (item for item in given.status.conditions if item.type == name)
    return found


def test_a_first_status_as_it_goes_over_the_wire() -> None:
    status = after(placement(), DONE, ("b", "a"), NOW).status
    shared = {"lastTransitionTime": NOW, "observedGeneration": 3}
    assert msgspec.to_builtins(status) == {
        "numberOfSelectedClusters": 2,
        "decisionGroups": [
            {
                "decisionGroupIndex": 0,
                "decisionGroupName": "",
                "decisions": ["any-decision-1"],
                "clusterCount": 2,
            }
        ],
        "conditions": [FINE._asdict() | shared, DONE._asdict() | shared],
    }


def test_groups() -> None:
    groups = (Group("canary", ("z",)), Group("", tuple(f"c{number:03}" for number in range(101))))
    given = placement()
    status = placement_status(given, Evaluation(groups, DONE, FINE), pages(given, groups), parsed(NOW))
    assert status.number_of_selected_clusters == 102
    assert [
        (item.decision_group_index, item.decision_group_name, item.cluster_count, item.decisions)
        for item in status.decision_groups
    ] == [
        (0, "canary", 1, ["any-decision-1"]),
        (1, "", 101, ["any-decision-2", "any-decision-3"]),
    ]


def test_no_selected_cluster_is_written_as_0() -> None:
    wire = msgspec.to_builtins(after(placement(), SHORT, (), NOW).status)
    assert wire["numberOfSelectedClusters"] == 0
    assert wire["decisionGroups"][0]["clusterCount"] == 0


def test_the_same_result_later_is_the_same_status() -> None:
    first = after(placement(), DONE, ("a",), NOW)
    assert after(first, DONE, ("a",), LATER).status == first.status


def test_the_transition_time_moves_with_the_status_only() -> None:
    first = after(placement(), SHORT, ("a",), NOW)
    second = after(first, SHORTER, ("a",), LATER)
    assert condition(second, "PlacementSatisfied").last_transition_time == NOW
    assert condition(second, "PlacementSatisfied").message == SHORTER.message
    third = after(second, DONE, ("a",), LATER)
    assert condition(third, "PlacementSatisfied").last_transition_time == LATER
    assert condition(third, "PlacementMisconfigured").last_transition_time == NOW


def test_conditions_of_others_stay() -> None:
    other = Condition(type="Other", status="True", reason="R", message="", last_transition_time=NOW)
    given = msgspec.structs.replace(placement(), status=PlacementStatus(conditions=[other]))
    conditions = after(given, DONE, ("a",), LATER).status.conditions
    assert [item.type for item in conditions] == ["Other", "PlacementMisconfigured", "PlacementSatisfied"]
    assert conditions[0] == other


def test_counts_stay_when_nothing_can_be_decided() -> None:
    first = after(placement(), DONE, ("a", "b"), NOW)
    second = after(first, SHORT, None, LATER).status
    assert second.number_of_selected_clusters == 2
    assert second.decision_groups == first.status.decision_groups
