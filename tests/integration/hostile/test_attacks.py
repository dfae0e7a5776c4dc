"""Content that an API server accepts and that no program expects, against all controllers of a hub at once: each object
is set aside and named, and a bystander's Workflow is placed, sent and reported all the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

import manifestwork.expiry.wiring
import manifestwork.wiring
import placement.evaluator.wiring
import placement.sets.wiring
import placement.wiring
import registration.health.wiring
import registration.wiring
import statussync.wiring
from controllers.api import keys
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    EVENT,
    LEASE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import Body, managed_cluster, of, set_binding, workflow
from tests.integration.bodies import placement as a_placement
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.joining import say_available

ALL = (
    placement.wiring,
    manifestwork.wiring,
    statussync.wiring,
    placement.evaluator.wiring,
    placement.sets.wiring,
    registration.health.wiring,
    registration.wiring,
    manifestwork.expiry.wiring,
)
_STAMP = "2026-01-01T00:00:00Z"
_ENDED = {"phase": "Succeeded", "progress": "1/1", "startedAt": _STAMP, "finishedAt": _STAMP, "nodes": {}}


def deep(levels: int, opening: str = "[", closing: str = "]") -> msgspec.Raw:
    return msgspec.Raw((opening * levels + "1" + closing * levels).encode())


ARRAYS, MAPS, DEEPEST = deep(1000), deep(1000, '{"a":', "}"), deep(9000)


def condition(moment: Any, kind: str = "Odd") -> Body:
    return {"type": kind, "status": "True", "reason": "Odd", "message": "", "lastTransitionTime": moment}


@dataclass(frozen=True)
class Attack:
    """An object with `body` and then this `status`, in a cluster's namespace or that of a tenant; `on`: the kind that
    the Event is about, None where the object does no harm at all."""

    name: str
    kind: Kind
    body: Body
    status: Body | None = None
    in_cluster: bool = False
    on: str | None = ""

    @property
    def told_on(self) -> str | None:
        return self.kind.kind if self.on == "" else self.on


_MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
_WORK = {"spec": {"workload": {"manifests": [_MANIFEST]}}}


ATTACKS = [
    Attack("arrays", WORKFLOW, {"spec": {"arguments": {"parameters": ARRAYS}}}),
    Attack("maps", WORKFLOW, {"spec": {"arguments": MAPS}}),
    Attack("deepest", WORKFLOW, {"spec": {"x": DEEPEST, "y": [DEEPEST, DEEPEST]}}),
    Attack(
        "result",
        WORKFLOW_STATUS_RESULT,
        {"workflowStatus": {"nodes": MAPS}},
        in_cluster=True,
        on="ManagedCluster",
    ),
    Attack(
        "taint",
        MANAGED_CLUSTER,
        {"spec": {"hubAcceptsClient": True, "taints": [{"key": "a", "effect": "NoSelect", "timeAdded": []}]}},
    ),
    Attack(
        "condition",
        MANAGED_CLUSTER,
        {"spec": {"hubAcceptsClient": True}},
        {"conditions": [condition(["a"])], "version": {"kubernetes": "v1"}},
    ),
    Attack(
        "quantity",
        MANAGED_CLUSTER,
        {"spec": {"hubAcceptsClient": True}},
        {
            "allocatable": {"cpu": "1e400", "free.argosy.io/cpu": "1e400"},
            "capacity": {"cpu": "1e400"},
            "conditions": [],
        },
        on=None,
    ),
    Attack(
        "work", MANIFEST_WORK, _WORK, {"conditions": [condition(["a"], "Complete")]}, in_cluster=True, on=None
    ),
    Attack(
        "score",
        ADDON_PLACEMENT_SCORE,
        {},
        {"validUntil": [], "scores": []},
        in_cluster=True,
        on="ManagedCluster",
    ),
    Attack(
        "old-score",
        ADDON_PLACEMENT_SCORE,
        {},
        {"validUntil": "0000-01-01T00:00:00Z", "scores": []},
        in_cluster=True,
        on=None,
    ),
    Attack(
        keys.CLUSTER_LEASE_NAME,
        LEASE,
        {"spec": {"renewTime": "0000-01-01T00:00:00.000000Z"}},
        in_cluster=True,
        on=None,
    ),
]


def set_aside() -> dict[str, float]:
    """Counts by kind."""
    (family,) = [item for item in REGISTRY.collect() if item.name == "argosy_objects_set_aside"]
    return {sample.labels["kind"]: sample.value for sample in family.samples if sample.value}


@pytest.fixture
async def cluster(client: Client, namespace: str) -> AsyncIterator[str]:
    """One that Placements may select, in the set `default`."""
    name = f"{namespace}-good"
    await client.create(MANAGED_CLUSTER, managed_cluster(name))
    await say_available(client, name, "True")
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding("default"), namespace=namespace)
    await client.create(PLACEMENT, a_placement("p", numberOfClusters=50), namespace=namespace)
    yield name
    await _remove(client, MANAGED_CLUSTER, name)


async def _remove(client: Client, kind: Kind, name: str, namespace: str = "") -> None:
    with contextlib.suppress(NotFound):
        await client.patch(kind, name, merge_patch({"metadata": {"finalizers": None}}), namespace=namespace)
        await client.delete(kind, name, namespace=namespace)


class Attacker:
    def __init__(self, client: Client, tenant: str) -> None:
        self._client = client
        self._tenant = tenant
        self.cluster = f"{tenant}-evil"

    def name(self, attack: Attack) -> str:
        return f"{self._tenant}-{attack.name}" if attack.kind == MANAGED_CLUSTER else attack.name

    def namespace(self, attack: Attack) -> str:
        if attack.kind == MANAGED_CLUSTER:
            return ""
        return self.cluster if attack.in_cluster else self._tenant

    async def make(self, attack: Attack) -> None:
        body = of(attack.kind, self.name(attack), **attack.body)
        if attack.kind == WORKFLOW:
            body["metadata"] |= workflow("x", placement="p")["metadata"] | {"name": attack.name}
        namespace = self.namespace(attack)
        await self._client.create(attack.kind, body, namespace=namespace)
        if attack.status is not None:
            patch = merge_patch({"status": attack.status})
            await self._client.patch(
                attack.kind, self.name(attack), patch, namespace=namespace, subresource="status"
            )

    async def remove(self) -> None:
        for attack in ATTACKS:
            await _remove(self._client, attack.kind, self.name(attack), self.namespace(attack))
        await _remove(self._client, MANAGED_CLUSTER, self.cluster)


@pytest.fixture
async def attacker(client: Client, namespace: str) -> AsyncIterator[Attacker]:
    """With a cluster of its own, whose agent it is."""
    made = Attacker(client, namespace)
    await client.create(NAMESPACE, of(NAMESPACE, made.cluster))
    await client.create(MANAGED_CLUSTER, managed_cluster(made.cluster))
    yield made
    await made.remove()


async def bystander(client: Client, namespace: str, cluster: str, name: str) -> None:
    """A Workflow of somebody else is placed by decision, sent, and its end comes back."""

    async def decided() -> bool:
        found = await client.find(WORKFLOW, name, namespace=namespace)
        return found is not None and bool(found.metadata.annotations.get(keys.CLUSTER_ANNOTATION))

    await client.create(WORKFLOW, workflow(name, cluster=cluster), namespace=namespace)
    await client.create(WORKFLOW, workflow(f"{name}-placed", placement="p"), namespace=namespace)
    agent = PlayedAgent(client, cluster)

    async def sent() -> Any:
        said = keys.HUB_NAME_ANNOTATION
        return next(
            (item for item in await agent.works() if item.metadata.annotations.get(said) == name), None
        )

    found = await eventually(sent, what="sent")
    await agent.write_result(found, _ENDED)

    async def reported() -> bool:
        shown = (await client.get(WORKFLOW, name, namespace=namespace)).to_dict()
        return bool(shown.get("status", {}).get("phase") == "Succeeded")

    await eventually(reported, what="reported")

    async def placed() -> bool:
        shown = await client.get(WORKFLOW, f"{name}-placed", namespace=namespace)
        return bool(shown.metadata.annotations.get(keys.CLUSTER_ANNOTATION))

    await eventually(placed, what="placed")


async def test_what_is_there_at_the_start_and_what_comes_later(
    client: Client, namespace: str, cluster: str, attacker: Attacker
) -> None:
    before = set_aside()
    for attack in ATTACKS[::2]:
        await attacker.make(attack)
    async with running(client, *(item.add_to for item in ALL)):
        await bystander(client, namespace, cluster, "first")
        for attack in ATTACKS[1::2]:
            await attacker.make(attack)
        await bystander(client, namespace, cluster, "second")
        for attack in ATTACKS:
            if attack.told_on is not None:
                await told(client, attacker, attack)
        await heals(client, attacker)
        await attacker.remove()
        await eventually(lambda: set_aside() == before, what=f"nothing left but {before}")
        await bystander(client, namespace, cluster, "third")


async def heals(client: Client, attacker: Attacker) -> None:
    """One that is put right counts no more, and Placements may select it."""
    (attack,) = [item for item in ATTACKS if item.name == "taint"]
    name, count = attacker.name(attack), set_aside()["ManagedCluster"]
    await client.patch(MANAGED_CLUSTER, name, merge_patch({"spec": {"taints": None}}))
    await eventually(lambda: set_aside()["ManagedCluster"] == count - 1, what="healed")
    await say_available(client, name, "True")

    async def selected() -> bool:
        pages, _ = await client.list(PLACEMENT_DECISION)
        return name in [one["clusterName"] for page in pages for one in page.to_dict()["status"]["decisions"]]

    await eventually(selected, what="selected")


async def told(client: Client, attacker: Attacker, attack: Attack) -> None:
    async def event() -> bool:
        found, _ = await client.list(EVENT, field_selector="reason=SetAside")
        bodies = [item.to_dict() for item in found]
        mine = [
            body
            for body in bodies
            if body["message"].startswith(f"{attack.kind.kind} ")
            and f"{attacker.name(attack)} " in body["message"]
        ]
        assert len(mine) == 1, [(body["message"], body["count"]) for body in bodies]
        assert mine[0]["involvedObject"]["kind"] == attack.told_on
        assert mine[0]["count"] == 1
        return True

    await eventually(event, what=f"Event about {attack.name}")


async def test_a_cluster_that_cannot_be_read_is_not_taken_for_gone(
    client: Client, namespace: str, cluster: str, attacker: Attacker
) -> None:
    """Its namespace stays, with its ManifestWorks, and its Workflows stay where they are, whatever they asked for."""
    body = workflow("a", cluster=attacker.cluster)
    body["metadata"]["annotations"] |= {
        keys.FAILOVER_ANNOTATION: "reschedule",
        keys.FAILOVER_AFTER_ANNOTATION: "0s",
    }
    await say_available(client, attacker.cluster, "True")
    async with running(client, *(item.add_to for item in ALL)):
        await client.create(WORKFLOW, body, namespace=namespace)
        work = await PlayedAgent(client, attacker.cluster).work()
    broken = [{"key": "a", "effect": "NoSelect", "timeAdded": []}]
    await client.patch(MANAGED_CLUSTER, attacker.cluster, merge_patch({"spec": {"taints": broken}}))
    async with running(
        client, *(item.add_to for item in ALL)
    ):  # and at a start, when nothing is known of before
        await bystander(client, namespace, cluster, "other")
        found = await client.get(NAMESPACE, attacker.cluster)
        assert found.metadata.deletion_timestamp is None
        present = await client.get(MANIFEST_WORK, work.metadata.name, namespace=attacker.cluster)
        assert present.metadata.deletion_timestamp is None
        shown = await client.get(WORKFLOW, "a", namespace=namespace)
        assert shown.metadata.annotations[keys.CLUSTER_ANNOTATION] == attacker.cluster
        assert keys.WAITING_ANNOTATION not in shown.metadata.annotations
