"""What a Placement selects, and what its conditions say."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.placement import Placement
from placement.evaluator.decisions import pages
from placement.evaluator.evaluate import Step, Verdict, evaluate, is_left_alone
from placement.evaluator.groups import Group
from placement.evaluator.snapshot import Snapshot
from tests.unit.placement.evaluator.build import (
    NOW,
    binding,
    claim_predicate,
    cluster,
    decided,
    exclusive_set,
    label_predicate,
    placement,
    selector_set,
    taint,
)

HUB = Snapshot(
    clusters=[
        cluster("c", {"env": "dev"}, cluster_set="red"),
        cluster("a", {"env": "prod"}, cluster_set="red"),
        cluster("b", {"env": "prod"}, cluster_set="red"),
        cluster("gone", {"env": "prod"}, cluster_set="red", deleted=True),
        cluster("blue", cluster_set="blue"),
    ],
    cluster_sets=[exclusive_set("red"), exclusive_set("blue"), exclusive_set("empty")],
    bindings=[binding("red"), binding("empty"), binding("no-such-set")],
)

CONFIGURED = Verdict(
    "PlacementMisconfigured", "False", "Succeedconfigured", "Placement configurations check pass"
)


def unsatisfied(reason: str, message: str) -> Verdict:
    return Verdict("PlacementSatisfied", "False", reason, message)


SATISFIED = Verdict("PlacementSatisfied", "True", "AllDecisionsScheduled", "All cluster decisions scheduled")
UNMATCHED = unsatisfied("NoManagedClusterMatched", "No ManagedCluster matches any of the cluster predicate")


@pytest.mark.parametrize(
    ("given", "clusters", "satisfied"),
    [
        (placement(), ("a", "b", "c"), SATISFIED),
        (placement(numberOfClusters=2), ("a", "b"), SATISFIED),
        (placement(numberOfClusters=3), ("a", "b", "c"), SATISFIED),
        (
            placement(numberOfClusters=5),
            ("a", "b", "c"),
            unsatisfied("NotAllDecisionsScheduled", "2 cluster decisions unscheduled"),
        ),
        (placement(numberOfClusters=0), (), UNMATCHED),
        (placement(predicates=[label_predicate(env="prod")]), ("a", "b"), SATISFIED),
        (placement(predicates=[label_predicate(env="none")]), (), UNMATCHED),
        (
            placement(clusterSets=["empty"]),
            (),
            unsatisfied(
                "AllManagedClusterSetsEmpty", "All ManagedClusterSets [empty] have no member ManagedCluster"
            ),
        ),
        (
            placement(clusterSets=["blue", "no-such-set"]),
            (),
            unsatisfied(
                "NoIntersection",
                "None of ManagedClusterSets [blue,no-such-set] is bound to placement namespace",
            ),
        ),
    ],
)
def test_selection(given: Placement, clusters: tuple[str, ...], satisfied: Verdict) -> None:
    evaluation = evaluate(given, HUB)
    assert evaluation.clusters == clusters
    assert evaluation.satisfied == satisfied
    assert evaluation.misconfigured == CONFIGURED


def test_without_bindings() -> None:
    evaluation = evaluate(placement(), Snapshot(clusters=HUB.clusters, cluster_sets=HUB.cluster_sets))
    assert evaluation.clusters == ()
    assert evaluation.satisfied == unsatisfied(
        "NoManagedClusterSetBindings", "No valid ManagedClusterSetBindings found in placement namespace"
    )


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"predicates": [claim_predicate("region", "Near")]},
            (
                "spec.predicates[0].requiredClusterSelector.claimSelector.matchExpressions[0]: "
                "operator 'Near' is not In, NotIn, Exists or DoesNotExist"
            ),
        ),
        ({"numberOfClusters": -1}, "spec.numberOfClusters: must not be negative"),
        (
            {"prioritizerPolicy": {"mode": "Odd"}},
            "spec.prioritizerPolicy.mode: 'Odd' is not Additive or Exact",
        ),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
            "spec.tolerations[0].value: If the operator is Exists, the value should be empty.",
        ),
        (
            {"decisionStrategy": {"groupStrategy": {"clustersPerDecisionGroup": "some%"}}},
            (
                "spec.decisionStrategy.groupStrategy.clustersPerDecisionGroup: "
                "'some%' is not a number, nor a percentage such as 25%"
            ),
        ),
        (
            {"spreadPolicy": {"spreadConstraints": [{"topologyKey": "zone", "topologyKeyType": "Odd"}]}},
            "spec.spreadPolicy.spreadConstraints[0].topologyKeyType: 'Odd' is not Label or Claim",
        ),
    ],
)
def test_a_misconfigured_placement_keeps_the_clusters_that_it_may_still_have(
    spec: dict[str, Any], problem: str
) -> None:
    before = Snapshot(
        clusters=HUB.clusters,
        cluster_sets=HUB.cluster_sets,
        bindings=HUB.bindings,
        # "blue" is not bound any more, "gone" is being deleted, "never" does not exist.
        decisions=decided(["c", "a", "blue", "gone", "never"]),
    )
    evaluation = evaluate(placement(**spec), before)
    assert evaluation.clusters == ("a", "c")
    assert evaluation.satisfied == unsatisfied("NotAllDecisionsScheduled", problem)
    assert evaluation.misconfigured == Verdict("PlacementMisconfigured", "True", "Misconfigured", problem)


def test_a_broken_set_keeps_the_clusters_that_exist() -> None:
    broken = selector_set("odd", {"matchExpressions": [{"key": "a", "operator": "Near"}]})
    hub = Snapshot(
        clusters=HUB.clusters,
        cluster_sets=[broken],
        bindings=[binding("odd")],
        decisions=decided(["c", "gone", "never"]),
    )
    evaluation = evaluate(placement(), hub)
    assert evaluation.clusters == ("c",)
    assert evaluation.misconfigured.status == "True"
    assert evaluation.misconfigured.message.startswith("ManagedClusterSet odd: ")


def test_what_only_orders_is_reported_and_the_rest_is_done() -> None:
    odd = {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "Steady"}, "weight": -1}
    evaluation = evaluate(placement(prioritizerPolicy={"configurations": [odd]}), HUB)
    assert evaluation.clusters == ("a", "b", "c")
    assert evaluation.satisfied == SATISFIED
    assert evaluation.misconfigured.status == "True"
    assert evaluation.misconfigured.message.startswith("spec.prioritizerPolicy: ")


def test_groups_stay_as_they_are_while_a_placement_is_misconfigured() -> None:
    strategy = {"groupStrategy": {"decisionGroups": [{"groupName": "prod", "groupClusterSelector": PROD}]}}
    before = evaluate(placement(decisionStrategy=strategy), HUB)
    assert before.groups == (Group("prod", ("a", "b")), Group("", ("c",)))
    hub = dataclasses.replace(HUB, decisions=pages(placement(), before.groups), clusters=HUB.clusters[1:])
    assert evaluate(placement(numberOfClusters=-1), hub).groups == (Group("prod", ("a", "b")), Group("", ()))


PROD = {"labelSelector": {"matchLabels": {"env": "prod"}}}


def test_the_clusters_are_told_why_they_were_refused_and_what_the_others_score() -> None:
    given = placement(numberOfClusters=1, predicates=[label_predicate(env="prod")])
    hub = dataclasses.replace(HUB, decisions=decided(["b"]), elsewhere={"a": 2})
    evaluation = evaluate(given, hub)
    assert evaluation.candidates == {"a", "b", "c"}
    assert evaluation.steps == (
        Step("Predicate", {"c": "does not match spec.predicates[0] (labels)"}),
        Step("TaintToleration", {}),
    )
    assert evaluation.ranking.scores == {"Balance": {"a": -100, "b": 100}, "Steady": {"a": 0, "b": 100}}
    assert evaluation.ranking.total == {"a": -100, "b": 200}
    assert evaluation.clusters == ("b",)


def test_a_toleration_that_runs_out_wants_another_look() -> None:
    slow = cluster("slow", cluster_set="red", taints=[taint("slow", added="2026-11-21T11:59:00Z")])
    hub = dataclasses.replace(HUB, clusters=[*HUB.clusters, slow], now=NOW)
    given = placement(tolerations=[{"key": "slow", "operator": "Exists", "tolerationSeconds": 90}])
    evaluation = evaluate(given, hub)
    assert "slow" in evaluation.clusters
    assert evaluation.until == NOW + timedelta(seconds=30)
    later = evaluate(given, dataclasses.replace(hub, now=NOW + timedelta(seconds=30)))
    assert "slow" not in later.clusters
    assert later.until is None


def test_a_spread_that_allows_no_more_is_named() -> None:
    zones = {"a": "north", "b": "north", "c": "south"}
    hub = dataclasses.replace(
        HUB, clusters=[cluster(name, {"zone": zone}, cluster_set="red") for name, zone in zones.items()]
    )
    constraint = {"topologyKey": "zone", "topologyKeyType": "Label", "whenUnsatisfiable": "DoNotSchedule"}
    strict = {"spreadConstraints": [constraint]}
    assert evaluate(placement(spreadPolicy=strict, numberOfClusters=2), hub).clusters == ("a", "c")
    hub = dataclasses.replace(
        hub, clusters=[*hub.clusters, cluster("d", {"zone": "north"}, cluster_set="red")]
    )
    evaluation = evaluate(placement(spreadPolicy=strict), hub)
    assert evaluation.clusters == ("a", "c", "b")
    assert evaluation.satisfied == unsatisfied(
        "NotAllDecisionsScheduled", "1 cluster decisions unscheduled, since spec.spreadPolicy allows no more"
    )


def test_a_name_that_no_label_can_hold() -> None:
    evaluation = evaluate(placement("x" * 64), HUB)
    assert evaluation.groups is None
    assert evaluation.misconfigured.status == "True"
    assert "63 characters" in evaluation.satisfied.message
    assert evaluate(placement("x" * 63), HUB).clusters == ("a", "b", "c")


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("", False)])
def test_the_annotation_that_hands_a_placement_to_someone_else(value: str, expected: bool) -> None:
    given = placement(annotations={keys.SCHEDULING_DISABLED_ANNOTATION: value})
    assert is_left_alone(given) is expected
