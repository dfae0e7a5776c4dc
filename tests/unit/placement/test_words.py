"""What placement tells a user, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from placement.capacity.need import Need
from placement.decide import PlacementState, Wait, choose, missing
from placement.evaluator.evaluate import evaluate
from placement.evaluator.snapshot import Snapshot
from placement.settings import BadSettingError, read
from placement.strategies.candidate import Candidate
from tests.unit.placement.evaluator.build import NOW, binding, cluster, placement, selector_set

PLACEMENT = "workflows.argoproj.io/ocm-placement"


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        (
            None,
            PlacementState(False),
            f"annotation {PLACEMENT} is missing: set it to the name of a Placement in namespace argo",
        ),
        (
            "p",
            PlacementState(False),
            f"there is no Placement p in namespace argo: create it, or correct annotation {PLACEMENT}",
        ),
        (
            "p",
            PlacementState(True),
            "Placement p has selected no cluster yet: see kubectl -n argo describe placement p",
        ),
        (
            "p",
            PlacementState(True, why="because"),
            "Placement p has selected no cluster yet (because): see kubectl -n argo describe placement p",
        ),
    ],
)
def test_of_what_is_missing(name: str | None, state: PlacementState, words: str) -> None:
    found = missing("argo", name, state)
    assert found is not None
    assert found.message == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "the one selected cluster has not so much free"),
        (2, "none of 2 clusters has so much free"),
    ],
)
def test_of_room(count: int, words: str) -> None:
    full = [Candidate(f"c{number}", room=Need(1, 0, 1)) for number in range(count)]
    found = choose(full, "spread", Need(2, 0, 1), "uid")
    assert isinstance(found, Wait)
    assert found.message == (
        f"at its widest it needs 2 CPU, 1 pod, and {words}: it goes on when there is room (see python -m placement "
        "explain); if less will do, say so in annotation workflows.argoproj.io/ocm-need, such as cpu=2,memory=4Gi"
    )


@pytest.mark.parametrize(
    ("annotation", "text", "right"),
    [
        ("strategy", "best", "one of spread, scores, random, pack"),
        ("failover", "maybe", "one of wait, reschedule"),
        ("failover-after", "soon", "a duration such as 90s, 5m or 1h30m"),
        ("need", "cpu=NaN", "none, or amounts such as cpu=4,memory=8Gi,pods=10"),
    ],
)
def test_of_a_setting(annotation: str, text: str, right: str) -> None:
    key = f"workflows.argoproj.io/ocm-{annotation}"
    with pytest.raises(BadSettingError) as error:
        read({key: text}, {})
    assert str(error.value) == f"annotation {key}: {text!r} is not {right}"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"numberOfClusters": -1}, "spec.numberOfClusters: must not be negative"),
        (
            {"tolerations": [{"key": "k", "operator": "In"}]},
            "spec.tolerations[0].operator: 'In' is not Equal or Exists",
        ),
        (
            {"tolerations": [{"operator": "Equal"}]},
            "spec.tolerations[0].operator: If the key is empty, operator must be Exists.",
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Exists", "value": "v"}]},
            "spec.tolerations[0].value: If the operator is Exists, the value should be empty.",
        ),
        (
            {"prioritizerPolicy": {"configurations": [{"scoreCoordinate": {"type": "AddOn"}}]}},
            "spec.prioritizerPolicy.configurations[0].scoreCoordinate.addOn: must be set for type AddOn",
        ),
        (
            {"prioritizerPolicy": {"mode": "Odd"}},
            "spec.prioritizerPolicy.mode: 'Odd' is not Additive or Exact",
        ),
        (
            {"decisionStrategy": {"groupStrategy": {"clustersPerDecisionGroup": "many"}}},
            (
                "spec.decisionStrategy.groupStrategy.clustersPerDecisionGroup: 'many' is not a number, "
                "nor a percentage such as 25%"
            ),
        ),
    ],
)
def test_of_a_placement_that_means_nothing(spec: dict[str, Any], words: str) -> None:
    snapshot = Snapshot(
        clusters=[cluster("c")],
        cluster_sets=[selector_set("all", {})],
        bindings=[binding("all")],
        decisions=[],
        elsewhere={},
        scores={},
        now=NOW,
    )
    found = evaluate(placement(**spec), snapshot)
    assert found.misconfigured.message == words
    assert found.satisfied.message == words
    assert found.satisfied.status == "False"


def test_of_a_name_that_is_too_long() -> None:
    snapshot = Snapshot([], [], [], [], {}, {}, NOW)
    found = evaluate(placement("p" * 64), snapshot)
    words = "metadata.name: PlacementDecisions can't bear a name of over 63 characters"
    assert found.misconfigured.message == words
    assert found.groups is None
    assert evaluate(placement("p" * 63), snapshot).groups is not None
