"""What a cluster says of itself on the hub."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.registration import cluster_status, is_for_hub, is_tellable, node_totals
from controllers.api.meta import ObjectMeta
from controllers.kube.quantity import total


def node(cpu: str, *, unschedulable: bool = False) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": "1Gi"}
    return {
        "spec": {"unschedulable": unschedulable},
        "status": {"capacity": amounts, "allocatable": amounts},
    }


@pytest.mark.parametrize(
    ("nodes", "schedulable_only", "expected"),
    [
        ([], False, {}),
        ([node("4"), node("500m")], False, {"cpu": "4500m", "memory": "2097152Ki"}),
        ([node("4"), node("2", unschedulable=True)], False, {"cpu": "6", "memory": "2097152Ki"}),
        ([node("4"), node("2", unschedulable=True)], True, {"cpu": "4", "memory": "1048576Ki"}),
        ([{}, {"spec": None, "status": None}], False, {}),
    ],
)
def test_resources_of_nodes_add_up(
    nodes: list[dict[str, Any]], expected: dict[str, str], *, schedulable_only: bool
) -> None:
    assert node_totals(nodes, "capacity", total, schedulable_only=schedulable_only) == expected


def status(before: dict[str, Any], now: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return cluster_status(
        before,
        version="v1.36.3",
        capacity={"cpu": "4"},
        allocatable={"cpu": "3"},
        claims=[("b", "2"), ("a", "1")],
        now=now,
    )


def test_a_report_has_version_resources_claims_and_conditions() -> None:
    found = status({})
    assert found["version"] == {"kubernetes": "v1.36.3"}
    assert (found["capacity"], found["allocatable"]) == ({"cpu": "4"}, {"cpu": "3"})
    assert found["clusterClaims"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    conditions = {item["type"]: item["status"] for item in found["conditions"]}
    assert conditions["ManagedClusterJoined"] == "True"
    assert conditions["ManagedClusterConditionAvailable"] == "True"


@pytest.mark.parametrize(
    ("labels", "told"),
    [({}, True), ({"a": "b"}, True), ({"open-cluster-management.io/spoke-only": ""}, False)],
)
def test_a_claim_may_stay_on_its_cluster(labels: dict[str, str], *, told: bool) -> None:
    assert is_for_hub(ObjectMeta(name="c", labels=labels)) == told


def test_the_same_report_later_changes_nothing() -> None:
    first = status({})
    assert status(first, now="2026-01-02T00:00:00Z") == first


def test_what_others_say_stays_and_what_the_hub_doubted_is_set_right() -> None:
    theirs = {"type": "HubAcceptedManagedCluster", "status": "True", "reason": "x", "message": ""}
    doubt = {
        "type": "ManagedClusterConditionAvailable",
        "status": "Unknown",
        "reason": "ManagedClusterLeaseUpdateStopped",
        "message": "",
        "lastTransitionTime": "2025-01-01T00:00:00Z",
    }
    found = status({"conditions": [theirs, doubt], "other": 1})
    assert found["other"] == 1
    assert theirs in found["conditions"]
    by_type = {item["type"]: item for item in found["conditions"]}
    assert by_type["ManagedClusterConditionAvailable"]["status"] == "True"
    assert by_type["ManagedClusterConditionAvailable"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert len(found["conditions"]) == 3


@pytest.mark.parametrize(
    ("value", "expected"), [("", False), ("a", True), ("a" * 1024, True), ("a" * 1025, False)]
)
def test_a_claim_that_the_hub_would_refuse_is_left_out(value: str, *, expected: bool) -> None:
    """The cluster takes it, and all of the status would go without."""
    assert is_tellable(value) is expected


def test_a_resource_that_has_no_sum_is_left_out() -> None:
    nodes = [
        {"status": {"capacity": {"cpu": "4", "pods": "110"}}},
        {"status": {"capacity": {"cpu": "4", "pods": "1e30"}}},
    ]
    assert node_totals(nodes, "capacity", total, schedulable_only=False) == {"cpu": "8"}
