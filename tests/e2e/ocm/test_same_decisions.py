"""Our evaluator and OCM's placement controller decide the same: random fleets, random Placements.

OCM's controller decides on a real hub; ours is asked what it would have decided from the same objects. Left out is
where ours differs on purpose (docs/placement.md): what is misconfigured, spreadPolicy, a negative weight of Steady.
"""

from __future__ import annotations

import datetime
import functools
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
    Kind,
)
from controllers.api.meta import timestamp
from controllers.api.placement import Placement, PlacementDecision
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.answers import Answers
from placement.evaluator.decisions import pages
from placement.evaluator.evaluate import evaluate
from placement.evaluator.expressions import Expressions
from placement.evaluator.snapshot import Snapshot, selected
from tests.e2e.ocm.conftest import OcmHub
from tests.eventually import eventually

Json = dict[str, Any]

FLEETS, CLUSTERS, PLACEMENTS = 6, 12, 50
ZONES, STAGES, REGIONS = ("x", "y", "z"), ("prod", "dev"), ("eu", "us")
KEYS = ("gpu", "drain", "slow")


class Fleet:
    """A random fleet, in a namespace of its own; everything in it comes from `chance`."""

    def __init__(self, hub: Client, number: int) -> None:
        self.hub = hub
        self.expressions = Expressions.with_worker()
        self.name = f"compare-{number}"
        self.chance = random.Random(number)
        self.clusters = [f"{self.name}-c{index:02}" for index in range(CLUSTERS)]
        self.now = datetime.datetime.now(datetime.UTC)

    # -- objects ----------------------------------------------------------------------------------------

    async def make(self) -> None:
        hub, chance = self.hub, self.chance
        await hub.create(NAMESPACE, {"metadata": {"name": self.name}})
        selectors = {
            f"{self.name}-all": {
                "selectorType": "LabelSelector",
                "labelSelector": {"matchLabels": {"fleet": self.name}},
            },
            f"{self.name}-own": {"selectorType": "ExclusiveClusterSetLabel"},
        }
        for name, selector in selectors.items():
            await self._create(MANAGED_CLUSTER_SET, name, spec={"clusterSelector": selector})
            await self._create(
                MANAGED_CLUSTER_SET_BINDING, name, namespace=self.name, spec={"clusterSet": name}
            )
        for cluster in self.clusters:
            labels = {"fleet": self.name, "zone": chance.choice(ZONES), "stage": chance.choice(STAGES)}
            if chance.random() < 0.5:
                labels[keys.CLUSTER_SET_LABEL] = f"{self.name}-own"
            spec: Json = {"hubAcceptsClient": True}
            if chance.random() < 0.5:
                spec["taints"] = [self._taint(key) for key in chance.sample(KEYS, chance.randint(1, 2))]
            await self._create(MANAGED_CLUSTER, cluster, labels=labels, spec=spec)
            resources = {"cpu": str(chance.randint(1, 64)), "memory": f"{chance.randint(1, 256)}Gi"}
            status = {
                "clusterClaims": [{"name": "region", "value": chance.choice(REGIONS)}],
                "version": {"kubernetes": f"v1.{chance.randint(28, 36)}.{chance.randint(0, 9)}"},
                "allocatable": resources,
                "capacity": resources if chance.random() < 0.8 else {},
            }
            await hub.patch(MANAGED_CLUSTER, cluster, merge_patch({"status": status}), subresource="status")
            if chance.random() < 0.7:
                await self._score(cluster)

    def _taint(self, key: str) -> Json:
        effects = ("NoSelect", "NoSelect", "NoSelectIfNew", "PreferNoSelect")
        taint = {"key": key, "effect": self.chance.choice(effects)}
        if self.chance.random() < 0.5:
            taint["value"] = self.chance.choice(("a", "b"))
        if self.chance.random() < 0.7:
            taint["timeAdded"] = timestamp(self.now - datetime.timedelta(hours=self.chance.choice((1, 3))))
        return taint

    async def _score(self, cluster: str) -> None:
        await self.hub.create(NAMESPACE, {"metadata": {"name": cluster}})
        await self._create(ADDON_PLACEMENT_SCORE, "usage", namespace=cluster)
        status: Json = {"scores": [{"name": "free", "value": self.chance.randint(-100, 100)}]}
        if self.chance.random() < 0.5:
            hours = self.chance.choice((-1, 1))
            status["validUntil"] = timestamp(self.now + datetime.timedelta(hours=hours))
        patch = merge_patch({"status": status})
        await self.hub.patch(ADDON_PLACEMENT_SCORE, "usage", patch, namespace=cluster, subresource="status")

    async def _create(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str = "",
        labels: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        metadata = {"name": name, "labels": labels or {}}
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}
        await self.hub.create(kind, body, namespace=namespace)

    async def remove(self) -> None:
        for cluster in self.clusters:
            await self.hub.delete(MANAGED_CLUSTER, cluster)
        for name in ("all", "own"):
            await self.hub.delete(MANAGED_CLUSTER_SET, f"{self.name}-{name}")
        for kind in (PLACEMENT, MANAGED_CLUSTER_SET_BINDING):
            for item in (await self.hub.list(kind, namespace=self.name))[0]:
                await self.hub.delete(kind, item.metadata.name, namespace=self.name)

    # -- Placements -------------------------------------------------------------------------------------

    def spec(self) -> Json:
        chance = self.chance
        spec: Json = {}
        if chance.random() < 0.5:
            spec["numberOfClusters"] = chance.randint(0, CLUSTERS)
        if chance.random() < 0.3:
            spec["clusterSets"] = chance.sample([f"{self.name}-all", f"{self.name}-own", "unbound"], 2)
        if chance.random() < 0.6:
            spec["predicates"] = [self._predicate() for _ in range(chance.randint(1, 2))]
        if chance.random() < 0.7:
            spec["tolerations"] = [self._toleration() for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.6:
            names = chance.sample(
                ("Balance", "Steady", "ResourceAllocatableCPU", "ResourceAllocatableMemory"), 2
            )
            mode = chance.choice(("Additive", "Exact"))
            weights = {"Steady": (0, 10)}
            configurations: list[Json] = [
                {
                    "scoreCoordinate": {"type": "BuiltIn", "builtIn": name},
                    "weight": chance.randint(*weights.get(name, (-10, 10))),
                }
                for name in names
            ]
            if chance.random() < 0.5:
                usage = {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "free"}}
                configurations.append({"scoreCoordinate": usage, "weight": chance.randint(-10, 10)})
            spec["prioritizerPolicy"] = {"mode": mode, "configurations": configurations}
        if chance.random() < 0.4:
            spec["decisionStrategy"] = {"groupStrategy": self._groups()}
        return spec

    def _predicate(self) -> Json:
        chance = self.chance
        selector: Json = {}
        if chance.random() < 0.5:
            selector["labelSelector"] = {"matchLabels": {"zone": chance.choice(ZONES)}}
        if chance.random() < 0.4:
            operator = chance.choice(("In", "NotIn"))
            selector["claimSelector"] = {
                "matchExpressions": [
                    {"key": "region", "operator": operator, "values": [chance.choice(REGIONS)]}
                ]
            }
        if chance.random() < 0.4:
            selector["celSelector"] = {"celExpressions": [self._cel()]}
        return {"requiredClusterSelector": selector}

    def _cel(self) -> str:
        number = self.chance.randint(28, 36)
        return self.chance.choice(
            (
                (
                    "semver(managedCluster.status.version.kubernetes.replace('v', ''))"
                    f".isGreaterThan(semver('1.{number}.0'))"
                ),
                f"managedCluster.metadata.labels['stage'] == '{self.chance.choice(STAGES)}'",
                "managedCluster.scores('usage').exists(s, s.name == 'free' && s.value > 0)",
                f"quantity(managedCluster.status.allocatable.memory).isLessThan(quantity('{number}Gi'))",
                "managedCluster.status.clusterClaims.exists(c, c.name == 'region' && c.value.startsWith('e'))",
                "managedCluster.metadata.labels['missing'] == 'x'",
            )
        )

    def _toleration(self) -> Json:
        chance = self.chance
        toleration: Json = {"key": chance.choice(KEYS), "operator": "Exists"}
        if chance.random() < 0.3:
            toleration |= {"operator": "Equal", "value": chance.choice(("a", "b", ""))}
        elif chance.random() < 0.2:
            del toleration["key"]
        if chance.random() < 0.3:
            toleration["effect"] = chance.choice(("NoSelect", "NoSelectIfNew"))
        if chance.random() < 0.4:
            toleration["tolerationSeconds"] = 7200
        return toleration

    def _groups(self) -> Json:
        chance = self.chance
        groups = [
            {
                "groupName": f"group-{zone}",
                "groupClusterSelector": {"labelSelector": {"matchLabels": {"zone": zone}}},
            }
            for zone in chance.sample(ZONES, chance.randint(0, 2))
        ]
        return {"decisionGroups": groups, "clustersPerDecisionGroup": chance.choice((1, 3, "30%", "100%"))}

    # -- decisions --------------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        hub = self.hub
        decisions = [item.decode(PlacementDecision) for item in (await hub.list(PLACEMENT_DECISION))[0]]
        scores = [item.decode(AddOnPlacementScore) for item in (await hub.list(ADDON_PLACEMENT_SCORE))[0]]
        bindings = (await hub.list(MANAGED_CLUSTER_SET_BINDING, namespace=self.name))[0]
        by_name = {(item.metadata.namespace, item.metadata.name): item for item in scores}
        return Snapshot(
            clusters=[item.decode(ManagedCluster) for item in (await hub.list(MANAGED_CLUSTER))[0]],
            cluster_sets=[
                item.decode(ManagedClusterSet) for item in (await hub.list(MANAGED_CLUSTER_SET))[0]
            ],
            bindings=[item.decode(ManagedClusterSetBinding) for item in bindings],
            elsewhere=Counter(selected(decisions)),
            scores=by_name,
            now=datetime.datetime.now(datetime.UTC),
            cel=Answers(by_name, self.expressions),
        )

    async def decided(self, name: str) -> tuple[Placement, list[PlacementDecision]]:
        """The Placement, once OCM's controller has decided it in full, and its pages."""

        async def found() -> tuple[Placement, list[PlacementDecision]] | None:
            item = (await self.hub.get(PLACEMENT, name, namespace=self.name)).decode(Placement)
            listed, _ = await self.hub.list(
                PLACEMENT_DECISION, namespace=self.name, label_selector=f"{keys.PLACEMENT_LABEL}={name}"
            )
            made = sorted((page.decode(PlacementDecision) for page in listed), key=_number)
            count = sum(len(page.status.decisions) for page in made)
            has_said = any(one.type == "PlacementSatisfied" for one in item.status.conditions)
            is_done = has_said and made and count == item.status.number_of_selected_clusters
            return (item, made) if is_done else None

        return await eventually(found, what=f"OCM's decision for {name}")


@pytest.fixture
async def fleets(ocm: OcmHub) -> AsyncIterator[list[Fleet]]:
    made: list[Fleet] = []
    for number in range(FLEETS):
        fleet = Fleet(ocm.argosy.hub, number)
        made.append(fleet)
        await fleet.make()
    yield made
    for fleet in made:
        await fleet.remove()
        await fleet.expressions.evaluator.close()


async def test_both_decide_the_same(fleets: list[Fleet]) -> None:
    sizes: Counter[int] = Counter()
    for fleet in fleets:
        for number in range(PLACEMENTS):
            name, spec = f"p-{number:02}", fleet.spec()
            snapshot = await fleet.snapshot()
            body = {
                "apiVersion": PLACEMENT.api_version,
                "kind": "Placement",
                "metadata": {"name": name},
                "spec": spec,
            }
            created = (await fleet.hub.create(PLACEMENT, body, namespace=fleet.name)).decode(Placement)
            decide = functools.partial(evaluate, created, snapshot)
            ours = await fleet.expressions.answered(snapshot.cel, decide)
            theirs, made = await fleet.decided(name)
            assert ours.groups is not None
            where = f"{fleet.name}/{name}: {spec}"
            assert _said(theirs) == {
                verdict.type: (verdict.status, verdict.reason, verdict.message)
                for verdict in (ours.satisfied, ours.misconfigured)
            }, where
            assert [_page(page) for page in made] == [_page(page) for page in pages(created, ours.groups)], (
                where
            )
            sizes[len(ours.clusters)] += 1
    assert len(sizes) > CLUSTERS / 2, f"the Placements were too much alike: {sizes}"


def _number(page: PlacementDecision) -> int:
    return int(page.metadata.name.rpartition("-")[2])


def _page(page: PlacementDecision) -> tuple[object, ...]:
    meta = page.metadata
    return meta.name, meta.labels, [item.cluster_name for item in page.status.decisions]


def _said(placement: Placement) -> dict[str, tuple[str, str, str]]:
    return {one.type: (one.status, one.reason, one.message) for one in placement.status.conditions}
