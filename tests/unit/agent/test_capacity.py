"""What a pod takes, and what is free in a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.capacity import Amounts, Claimed, Room, claimed, entries, is_only_free, room, told
from controllers.api.pod import PodSpec

Json = dict[str, Any]
GI = 2**30


def asking(cpu: str | None = None, memory: str | None = None, **more: Any) -> Json:
    """A container."""
    asked = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value is not None}
    return {"name": "c", "resources": {"requests": asked}, **more}


def sidecar(cpu: str, memory: str | None = None) -> Json:
    return asking(cpu, memory, restartPolicy="Always")


def limited(limit: str, **requests: str) -> Json:
    return {"name": "c", "resources": {"limits": {"cpu": limit}, "requests": requests}}


def taken(**spec: Any) -> Claimed:
    return claimed(msgspec.convert(spec, PodSpec))


@pytest.mark.parametrize(
    ("spec", "cpu", "memory"),
    [
        ({}, 0, 0),
        ({"containers": [{"name": "c"}]}, 0, 0),
        ({"containers": [asking("500m", "1Gi"), asking("1.5", "1Gi")]}, 2000, 2 * GI),
        # the limit stands for a request that is missing, and for no other
        ({"containers": [limited("2")]}, 2000, 0),
        ({"containers": [limited("2", cpu="1", memory="1Gi")]}, 1000, GI),
        # init containers run one after the other and before the rest
        ({"containers": [asking("1", "2Gi")], "initContainers": [asking("3", "1Gi")]}, 3000, 2 * GI),
        ({"containers": [asking("1")], "initContainers": [asking("3"), asking("2")]}, 3000, 0),
        # a sidecar runs beside the containers, and beside the init containers that come after it
        ({"containers": [asking("1")], "initContainers": [sidecar("2"), asking("2")]}, 4000, 0),
        ({"containers": [asking("1")], "initContainers": [asking("2"), sidecar("2")]}, 3000, 0),
        ({"initContainers": [sidecar("1"), asking("1"), sidecar("1"), asking("1")]}, 3000, 0),
        # the sandbox
        ({"containers": [asking("1", "1Gi")], "overhead": {"cpu": "250m", "memory": "1Gi"}}, 1250, 2 * GI),
        ({"containers": [asking("1")], "initContainers": [asking("2")], "overhead": {"cpu": "1"}}, 3000, 0),
        # what the pod asks for as a whole counts in place of what its containers do
        ({"containers": [asking("1", "1Gi")], "resources": {"requests": {"cpu": "3"}}}, 3000, GI),
        # other resources, and what is no quantity
        ({"containers": [asking("many", "1Gi"), asking("1", "-1Gi")]}, 1000, GI),
        ({"containers": [asking("NaN", "Infinity")], "overhead": {"example.org/gpu": "1"}}, 0, 0),
    ],
)
def test_what_a_pod_takes(spec: Json, cpu: int, memory: int) -> None:
    assert taken(**spec) == Claimed("", Amounts(cpu, memory, 1))


def test_a_pod_takes_it_of_its_node() -> None:
    assert taken(nodeName="n1", containers=[asking("1")]).node == "n1"


def node(
    name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "10", *, ready: str = "True", **spec: Any
) -> Json:
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": ready}],
        },
    }


def on(name: str, cpu: int = 1000, memory: int = GI) -> Claimed:
    return Claimed(name, Amounts(cpu, memory, 1))


@pytest.mark.parametrize(
    ("nodes", "pods", "free"),
    [
        ([node("a"), node("b")], [], (8000, 16 * GI, 20)),
        ([node("a"), node("b")], [on("a"), on("b", 500), on("")], (5500, 13 * GI, 17)),
        # what is not usable, with what is on it
        ([node("a"), node("b", unschedulable=True)], [on("a"), on("b")], (3000, 7 * GI, 9)),
        ([node("a"), node("b", ready="Unknown")], [on("b")], (4000, 8 * GI, 10)),
        ([node("a"), node("b", ready="False")], [on("gone")], (4000, 8 * GI, 10)),
        # none is usable: nothing is free, and that is known
        ([node("a", unschedulable=True)], [on("")], (0, 0, 0)),
        ([{}, {"metadata": None, "spec": None, "status": None}], [on("")], (0, 0, 0)),
        # more is asked for than there is, of one thing
        ([node("a")], [on("a", 3000), on("", 9000, 0)], (0, 7 * GI, 8)),
        # what is no quantity
        ([node("a", cpu="much"), node("b")], [], (4000, 16 * GI, 20)),
    ],
)
def test_what_is_free(nodes: list[Json], pods: list[Claimed], free: tuple[int, int, int]) -> None:
    found = room(nodes, pods)
    assert found is not None
    assert found.free == free


def test_of_a_cluster_without_nodes_nothing_is_known() -> None:
    assert room([], [on("")]) is None


def test_all_there_is_does_not_depend_on_the_pods() -> None:
    nodes = [node("a"), node("b", unschedulable=True)]
    assert room(nodes, [on("a")]) == Room(Amounts(4000, 8 * GI, 10), Amounts(3000, 7 * GI, 9))


# -- what holds of every cluster -------------------------------------------------------------------------
NAMES = st.sampled_from(["a", "b", "c"])
QUANTITIES = st.sampled_from(["0", "100m", "0.3", "2", "1Gi", "500M", "-1", "x", "NaN", "1e3"])
RESOURCES = st.dictionaries(st.sampled_from(["cpu", "memory", "pods", "example.org/gpu"]), QUANTITIES)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"resources": st.fixed_dictionaries({}, optional={"requests": RESOURCES, "limits": RESOURCES})},
        optional={"restartPolicy": st.just("Always")},
    ),
    max_size=3,
)
PODS = st.builds(
    taken,
    nodeName=st.sampled_from(["", "a", "b", "gone"]),
    containers=CONTAINERS,
    initContainers=CONTAINERS,
    overhead=RESOURCES,
)
NODES = st.lists(
    st.builds(
        node,
        NAMES,
        QUANTITIES,
        QUANTITIES,
        QUANTITIES,
        ready=st.sampled_from(["True", "True", "False"]),
        unschedulable=st.booleans(),
    ),
    min_size=1,
    unique_by=lambda item: item["metadata"]["name"],
)


@given(nodes=NODES, pods=st.lists(PODS, max_size=5), one_more=PODS, data=st.data())
def test_never_less_than_nothing_in_any_order_and_never_more_for_one_more_pod(
    nodes: list[Json], pods: list[Claimed], one_more: Claimed, data: st.DataObject
) -> None:
    found = room(nodes, pods)
    assert found is not None
    assert min(found.free) >= 0
    assert all(free <= total for free, total in zip(found.free, found.total, strict=True))
    assert room(data.draw(st.permutations(nodes)), data.draw(st.permutations(pods))) == found
    fuller = room(nodes, [*pods, one_more])
    assert fuller is not None
    assert all(less <= free for less, free in zip(fuller.free, found.free, strict=True))


# -- as the hub is told ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cpu", "text"), [(0, "0"), (3920, "3.92"), (4000, "4"), (10_000, "10"), (5, "0.005"), (1500, "1.5")]
)
def test_entries_are_plain_numbers(cpu: int, text: str) -> None:
    assert entries(Amounts(cpu, 16 * GI, 110)) == {
        "free.argosy.io/cpu": text,
        "free.argosy.io/memory": "17179869184",
        "free.argosy.io/pods": "110",
    }


@given(st.builds(Amounts, *[st.integers(0, 10**9)] * 3))
def test_what_was_told_is_read_back(free: Amounts) -> None:
    assert told({"cpu": "4", **entries(free)}) == free


@pytest.mark.parametrize("change", [{"free.argosy.io/cpu": "x"}, {"free.argosy.io/pods": None}])
def test_what_is_not_whole_was_not_told(change: Mapping[str, Any]) -> None:
    assert told({}) is None
    assert told({**entries(Amounts(1, 2, 3)), **change}) is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"allocatable": {"free.argosy.io/cpu": "1", "free.argosy.io/pods": None}}, True),
        ({"allocatable": {"free.argosy.io/cpu": "1", "cpu": "4"}}, False),
        ({"allocatable": {"free.argosy.io/cpu": "1"}, "capacity": {"cpu": "4"}}, False),
        ({"version": {"kubernetes": "v1.36.3"}}, False),
    ],
)
def test_whether_a_change_is_of_nothing_but_what_is_free(changed: Json, *, expected: bool) -> None:
    assert is_only_free(changed) is expected
