"""How clusters are divided into decision groups, against OCM's rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.misconfigured import Misconfigured
from placement.evaluator.groups import Group, divided
from tests.unit.placement.evaluator.build import cluster, placement

CLUSTERS = [
    cluster("e", {"env": "prod"}, claims={"region": "eu"}),
    cluster("d", {"env": "dev"}),
    cluster("c", {"env": "prod"}),
    cluster("b", {"env": "canary"}),
    cluster("a", {"env": "prod"}, claims={"region": "us"}),
]


def groups(**strategy: Any) -> list[tuple[str, str]]:
    """(name, clusters in one word) of each group of CLUSTERS."""
    given = placement(decisionStrategy={"groupStrategy": strategy}).spec.decision_strategy.group_strategy
    return [(name, "".join(clusters)) for name, clusters in divided(given, CLUSTERS)]


def named(name: str, **labels: str) -> dict[str, Any]:
    return {"groupName": name, "groupClusterSelector": {"labelSelector": {"matchLabels": labels}}}


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("100%", ["abcde"]),
        ("", ["abcde"]),
        (2, ["ab", "cd", "e"]),
        (5, ["abcde"]),
        (9, ["abcde"]),
        (0, ["abcde"]),
        (-1, ["abcde"]),
        ("20%", ["a", "b", "c", "d", "e"]),
        ("21%", ["ab", "cd", "e"]),  # ceil(1.05)
        ("0%", ["abcde"]),
        ("500%", ["abcde"]),
        ("-20%", ["abcde"]),
    ],
)
def test_length(length: int | str, expected: list[str]) -> None:
    assert groups(clustersPerDecisionGroup=length) == [("", clusters) for clusters in expected]


@pytest.mark.parametrize("nonsense", ["five", "5", "%", "x%", "nan%", "inf%"])
def test_a_length_that_is_none_is_named(nonsense: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        groups(clustersPerDecisionGroup=nonsense)
    assert raised.value.field == "spec.decisionStrategy.groupStrategy.clustersPerDecisionGroup"
    assert repr(nonsense) in raised.value.problem


def test_named_groups_take_what_they_match_the_first_one_first() -> None:
    asked = [
        named("canary", env="canary"),
        named("prod", env="prod"),
        named("all"),
        named("none", env="prod"),
    ]
    assert groups(decisionGroups=asked) == [("canary", "b"), ("prod", "ace"), ("all", "d")]
    assert groups(decisionGroups=asked[:2]) == [("canary", "b"), ("prod", "ace"), ("", "d")]
    assert groups(decisionGroups=asked[:2], clustersPerDecisionGroup=2) == [
        ("canary", "b"),
        ("prod", "ac"),
        ("prod", "e"),
        ("", "d"),
    ]


def test_groups_by_claims() -> None:
    selector = {
        "claimSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["eu"]}]}
    }
    asked = [{"groupName": "eu", "groupClusterSelector": selector}]
    assert groups(decisionGroups=asked) == [("eu", "e"), ("", "abcd")]


def test_a_selector_that_means_nothing_is_named() -> None:
    selector = {"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}
    with pytest.raises(Misconfigured) as raised:
        groups(decisionGroups=[named("x", a="b"), {"groupName": "y", "groupClusterSelector": selector}])
    assert raised.value.field.startswith(
        "spec.decisionStrategy.groupStrategy.decisionGroups[1].groupClusterSelector.labelSelector"
    )


def test_without_clusters_there_is_an_empty_group() -> None:
    strategy = placement().spec.decision_strategy.group_strategy
    assert divided(strategy, []) == (Group("", ()),)


@given(
    st.sets(st.integers(0, 60)), st.integers(-1, 20), st.lists(st.sampled_from(["prod", "dev"]), max_size=2)
)
def test_every_cluster_is_in_one_group(numbers: set[int], length: int, names: list[str]) -> None:
    clusters = [cluster(f"c{number}", {"env": "prod" if number % 3 else "dev"}) for number in numbers]
    asked = [named(name, env=name) for name in names]
    strategy = placement(
        decisionStrategy={"groupStrategy": {"decisionGroups": asked, "clustersPerDecisionGroup": length}}
    ).spec.decision_strategy.group_strategy
    found = divided(strategy, clusters)
    listed = [name for group in found for name in group.clusters]
    assert sorted(listed) == sorted(item.metadata.name for item in clusters)
    assert all(list(group.clusters) == sorted(group.clusters) for group in found)
    if length > 0:
        assert all(len(group.clusters) <= length for group in found)
