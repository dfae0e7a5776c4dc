"""Which clusters may be selected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.cluster_sets import bound_sets
from controllers.expressions.wire import Answer, ExpressionError
from controllers.misconfigured import Misconfigured
from placement.evaluator import filters
from placement.evaluator.answers import Answers, Unanswered
from placement.evaluator.snapshot import Snapshot
from tests.unit.placement.evaluator.build import (
    NOW,
    Evaluated,
    binding,
    cel_predicate,
    claim_predicate,
    cluster,
    exclusive_set,
    label_predicate,
    placement,
    selector_set,
    taint,
)

CLUSTERS = [
    cluster("plain", {"env": "prod"}),
    cluster("blank", cluster_set=""),
    cluster("given", cluster_set="default"),
    cluster("red", {"env": "prod"}, cluster_set="red", claims={"region": "eu"}),
    cluster("blue", {"env": "dev"}, cluster_set="blue", claims={"region": "us"}),
]


@pytest.mark.parametrize(
    ("some_set", "expected"),
    [
        (exclusive_set("red"), ["red"]),
        (exclusive_set("nobody"), []),
        (exclusive_set("default"), ["plain", "blank", "given"]),
        (selector_set("global", {}), ["plain", "blank", "given", "red", "blue"]),
        (selector_set("prod", {"matchLabels": {"env": "prod"}}), ["plain", "red"]),
        (selector_set("unset", None), []),
        (selector_set("default", {"matchLabels": {"env": "dev"}}), ["blue"]),
    ],
    ids=lambda value: value.metadata.name if isinstance(value, ManagedClusterSet) else "",
)
def test_members(some_set: ManagedClusterSet, expected: list[str]) -> None:
    assert [item.metadata.name for item in filters.members([some_set], CLUSTERS)] == expected


def test_a_cluster_of_two_sets_is_a_member_once() -> None:
    sets = [exclusive_set("red"), selector_set("global", {})]
    assert len(filters.members(sets, CLUSTERS)) == len(CLUSTERS)


def test_a_broken_set_is_named() -> None:
    broken = selector_set("odd", {"matchExpressions": [{"key": "a", "operator": "Near"}]})
    with pytest.raises(Misconfigured, match=r"^ManagedClusterSet odd: spec\.clusterSelector\.labelSelector"):
        filters.members([broken], [])


@pytest.mark.parametrize(
    ("asked", "expected"), [([], ["blue", "red"]), (["red", "gone"], ["red"]), (["gone"], [])]
)
def test_bound_and_eligible_sets(asked: list[str], expected: list[str]) -> None:
    snapshot = Snapshot(
        cluster_sets=[exclusive_set("red"), exclusive_set("blue"), exclusive_set("unbound")],
        bindings=[binding("blue"), binding("gone"), binding("red")],
    )
    bound = bound_sets(snapshot.bindings, snapshot.cluster_sets)
    assert [item.metadata.name for item in bound] == ["blue", "red"]
    assert [item.metadata.name for item in filters.eligible_sets(bound, asked)] == expected


def test_clusters_being_deleted_are_not_alive() -> None:
    clusters = [cluster("stays"), cluster("goes", deleted=True)]
    assert [item.metadata.name for item in filters.alive(clusters)] == ["stays"]


def both(label: dict[str, Any], claim: dict[str, Any]) -> dict[str, Any]:
    return {
        "requiredClusterSelector": {**label["requiredClusterSelector"], **claim["requiredClusterSelector"]}
    }


@pytest.mark.parametrize(
    ("predicates", "expected"),
    [
        ([], ["plain", "blank", "given", "red", "blue"]),
        ([{}], ["plain", "blank", "given", "red", "blue"]),
        ([label_predicate(env="prod")], ["plain", "red"]),
        ([claim_predicate("region", "Exists")], ["red", "blue"]),
        ([claim_predicate("region", "NotIn", "us")], ["plain", "blank", "given", "red"]),
        # Inside one predicate both must hold, of several predicates one.
        ([both(label_predicate(env="prod"), claim_predicate("region", "In", "eu"))], ["red"]),
        ([both(label_predicate(env="prod"), claim_predicate("region", "In", "us"))], []),
        ([label_predicate(env="prod"), claim_predicate("region", "In", "us")], ["plain", "red", "blue"]),
    ],
)
def test_predicates(predicates: list[dict[str, Any]], expected: list[str]) -> None:
    spec = placement(predicates=predicates).spec
    found = filters.predicates(spec.predicates, CLUSTERS, Evaluated())
    assert [item.metadata.name for item in found.clusters] == expected
    assert found.refused.keys() == {item.metadata.name for item in CLUSTERS} - set(expected)


@pytest.mark.parametrize(
    ("predicate", "field"),
    [
        (
            cel_predicate("true", "managedCluster."),
            "spec.predicates[1].requiredClusterSelector.celSelector.celExpressions[1]",
        ),
        (
            claim_predicate("region", "In"),
            "spec.predicates[1].requiredClusterSelector.claimSelector.matchExpressions[0]",
        ),
    ],
)
def test_a_predicate_that_cannot_be_applied_is_named(predicate: dict[str, Any], field: str) -> None:
    spec = placement(predicates=[{}, predicate]).spec
    with pytest.raises(Misconfigured) as raised:
        filters.predicates(spec.predicates, [], Evaluated())
    assert raised.value.field == field


def test_a_refused_cluster_is_told_which_part_of_which_predicate_refused_it() -> None:
    asked = [
        both(label_predicate(env="prod"), claim_predicate("region", "In", "us")),
        cel_predicate("managedCluster.metadata.name == 'nobody'"),
    ]
    found = filters.predicates(placement(predicates=asked).spec.predicates, CLUSTERS, Evaluated())
    assert found.refused["red"] == "does not match spec.predicates[0] (claims), nor spec.predicates[1] (CEL)"
    assert found.refused["blue"] == "does not match spec.predicates[0] (labels), nor spec.predicates[1] (CEL)"


class Stopped(Answers):
    """Answers of an evaluator for which the expression `dear` went over a bound, on one cluster or on all."""

    def check(self, text: str) -> None:
        if text == "dear on all":
            raise ExpressionError("took too long", exceeded=True)

    def of(self, text: str, cluster: ManagedCluster) -> Answer:
        if text == "dear on two" and cluster.metadata.name in ("red", "blue"):
            return Answer(error="took too long", exceeded=True)
        return Answer("bool", True)


def test_a_cluster_on_which_an_expression_goes_over_a_bound_does_not_match_and_that_is_told() -> None:
    asked = placement(predicates=[cel_predicate("true", "dear on two")]).spec.predicates
    found = filters.predicates(asked, CLUSTERS, Stopped())
    assert [item.metadata.name for item in found.clusters] == ["plain", "blank", "given"]
    assert found.refused["red"] == "does not match spec.predicates[0] (CEL)"
    field = "spec.predicates[0].requiredClusterSelector.celSelector.celExpressions[1]"
    assert found.problems == [f"{field}: took too long (cluster blue, red)"]


def test_an_expression_that_goes_over_a_bound_on_anything_is_a_mistake_in_the_placement() -> None:
    asked = placement(predicates=[cel_predicate("true", "dear on all")]).spec.predicates
    with pytest.raises(Misconfigured, match=r"celExpressions\[1\]: took too long"):
        filters.predicates(asked, CLUSTERS, Stopped())


def test_what_is_not_known_yet_is_asked_for_only_where_it_decides() -> None:
    asked = placement(
        predicates=[
            both(label_predicate(env="prod"), cel_predicate("first", "second")),
            cel_predicate("third"),
        ]
    ).spec.predicates
    unknown = Answers()
    filters.predicates(asked, CLUSTERS, unknown)
    missing = {text: [item.metadata.name for item in clusters] for text, clusters in unknown.missing.items()}
    everyone = [item.metadata.name for item in CLUSTERS]
    # Of the second nothing but whether it compiles: the first may refuse.
    assert missing == {"first": ["plain", "red"], "second": [], "third": everyone}
    with pytest.raises(Unanswered):
        unknown.require()


def test_taints_that_are_not_tolerated_refuse() -> None:
    clusters = [
        cluster("free"),
        cluster("tainted", taints=[taint("gpu", value="yes")]),
        cluster("new", taints=[taint("drain", "NoSelectIfNew")]),
        cluster("had", taints=[taint("drain", "NoSelectIfNew")]),
        cluster("soon", taints=[taint("maintenance", added="2026-11-21T11:59:30Z")]),
    ]
    tolerations = [{"key": "maintenance", "operator": "Exists", "tolerationSeconds": 60}]
    spec = placement(tolerations=tolerations).spec
    found = filters.tolerated(spec.tolerations, clusters, frozenset({"had"}), NOW)
    assert [item.metadata.name for item in found.clusters] == ["free", "had", "soon"]
    assert found.refused == {
        "tainted": "taint gpu=yes:NoSelect is not tolerated",
        "new": "taint drain:NoSelectIfNew is not tolerated",
    }
    assert found.until == NOW + timedelta(seconds=30)
