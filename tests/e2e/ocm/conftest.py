"""An OCM hub: OCM's definitions and its placement controller, its work agent on cluster1, ours on cluster2.

What OCM's registration would do is done by hand: the ManagedCluster with its conditions, the default cluster set.
Permissions are OCM's own, and those that docs/ocm.md shows: its roles are read from there.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.api.keys import CLUSTER_SET_LABEL
from controllers.api.kinds import (
    CLUSTER_ROLE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    PLACEMENT,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from hack.fleet import process
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.layout import Layout
from hack.fleet.ports import Reservation
from hack.fleet.progress import Silent
from hack.fleet.provider import Fleet
from hack.fleet.state import State
from hack.fleet.supervisor import Supervisor
from hack.fleet.versions import OCM_BINARIES
from tests.clusters import provider
from tests.e2e.conftest import CLUSTERS, EXAMPLES, Argosy
from tests.e2e.ocm import components, definitions
from tests.e2e.ocm.components import ensure
from tests.eventually import eventually
from tests.joining import let_in
from tests.processes import ROOT, agent, controllers

Json = dict[str, Any]

OCMS, OURS = CLUSTERS
"""The cluster with OCM's work agent, and the one with Argosy's agent."""

WORK_ROLE = "argosy-work-agent"
_NOW = "2026-01-01T00:00:00Z"
_JOINED = ("HubAcceptedManagedCluster", "ManagedClusterJoined", "ManagedClusterConditionAvailable")
IN_DEFAULT_SET = {CLUSTER_SET_LABEL: "default"}


@dataclass
class OcmHub:
    """What tests act on. `argosy.agents` has our agent only; OCM's programs are parts of `supervisor`."""

    argosy: Argosy
    supervisor: Supervisor

    @asynccontextmanager
    async def without(self, part: str) -> AsyncIterator[None]:
        """One of OCM's programs (ocm-placement, cluster1-ocm-work) does not run while the block does."""
        stopped = self.supervisor.find(part)
        await asyncio.to_thread(process.stop, [stopped], grace=5)
        try:
            yield
        finally:
            await asyncio.to_thread(self.supervisor.launch, stopped.part)


@pytest.fixture(scope="package")
async def ocm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OcmHub]:
    source = await asyncio.to_thread(definitions.source)
    async with AsyncExitStack() as cleanup:
        fleet = await asyncio.to_thread(
            provider().start, tmp_path_factory.mktemp("ocm-fleet"), CLUSTERS, argo=True
        )
        cleanup.callback(fleet.stop)
        logs = tmp_path_factory.mktemp("ocm")
        supervisor = Supervisor(Layout(logs), State())
        cleanup.callback(supervisor.stop)
        hub = await Client.connect(fleet.hub.kubeconfig)
        cleanup.push_async_callback(hub.close)
        managed = {}
        for name, cluster in fleet.managed.items():
            managed[name] = await Client.connect(cluster.kubeconfig)
            cleanup.push_async_callback(managed[name].close)
            await definitions.install(managed[name], definitions.for_managed(source))
        await definitions.install(hub, definitions.for_hub(source))
        await _register(hub, OCMS)
        await _placements(hub)
        await _permit(hub, managed[OCMS], source)
        await _start_ocm(fleet, hub, managed[OCMS], supervisor, logs)
        await bring_role(hub, managed[OCMS])
        argosy = await _argosy(fleet, hub, managed, logs)
        for ours in argosy.processes:
            cleanup.callback(ours.kill)
            await ours.start()
        yield OcmHub(argosy, supervisor)


async def _register(hub: Client, cluster: str) -> None:
    """An accepted, joined and available cluster in the set `default`, as OCM's registration leaves it. No lease."""
    await ensure(
        hub,
        MANAGED_CLUSTER_SET,
        _object(MANAGED_CLUSTER_SET.api_version, "ManagedClusterSet", "default")
        | {"spec": {"clusterSelector": {"selectorType": "ExclusiveClusterSetLabel"}}},
    )
    body = _object(MANAGED_CLUSTER.api_version, "ManagedCluster", cluster)
    body["metadata"]["labels"] = {"name": cluster, **IN_DEFAULT_SET}
    await ensure(hub, MANAGED_CLUSTER, body | {"spec": {"hubAcceptsClient": True}})
    conditions = [
        {"type": kind, "status": "True", "reason": "ByHand", "message": "", "lastTransitionTime": _NOW}
        for kind in _JOINED
    ]
    patch = merge_patch({"status": {"conditions": conditions}})
    await hub.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")


async def _placements(hub: Client) -> None:
    """The examples' Placements, and one for each cluster: only-cluster1, only-cluster2."""
    binding = _example("clusterset-binding.yaml")
    await ensure(hub, MANAGED_CLUSTER_SET_BINDING, binding, namespace="argo")
    for name in ("placement.yaml", "placement-cluster1.yaml"):
        body = _example(name)
        await ensure(hub, PLACEMENT, body, namespace="argo")
        text = yaml.safe_dump(body).replace(OCMS, OURS)
        await ensure(hub, PLACEMENT, yaml.safe_load(text), namespace="argo")


async def _permit(hub: Client, managed: Client, source: Path) -> None:
    await components.may_take_works(hub, OCMS, definitions.rules(source, definitions.WORK_ON_HUB))
    await components.may_apply(managed, definitions.rules(source, *definitions.WORK_ON_CLUSTER))


async def _start_ocm(fleet: Fleet, hub: Client, managed: Client, supervisor: Supervisor, logs: Path) -> None:
    binaries = await asyncio.to_thread(Binaries(Silent(), Cancellation()).ensure, OCM_BINARIES)
    admin, account = fleet.managed[OCMS].kubeconfig, components.ACCOUNT
    to_hub = await components.credentials(
        hub, fleet.hub.kubeconfig, OCMS, account, logs / f"{OCMS}.hub.kubeconfig"
    )
    to_managed = await components.credentials(
        managed, admin, components.ACCOUNT_NAMESPACE, account, logs / f"{OCMS}.kubeconfig"
    )
    with Reservation() as ports:
        placement = components.placement(binaries["ocm-placement"], fleet.hub.kubeconfig, logs, ports)
        work = components.work_agent(
            binaries["ocm-work"], OCMS, hub=to_hub, host=admin, managed=to_managed, logs=logs, ports=ports
        )
        for part in (placement, work):
            await asyncio.to_thread(supervisor.launch, part)


async def bring_role(hub: Client, managed: Client) -> None:
    """Lets OCM itself bring the documented role to its cluster, and waits until the agent has the permission."""
    body = _object(MANIFEST_WORK.api_version, "ManifestWork", WORK_ROLE)
    # Another label each time: OCM's agent applies at once what has changed, and the rest at its next resync.
    body["metadata"]["labels"] = {"brought": uuid.uuid4().hex}
    work = body | {"spec": {"workload": {"manifests": [documented(WORK_ROLE)]}}}
    await ensure(hub, MANIFEST_WORK, work, namespace=OCMS)
    await eventually(lambda: may_apply_workflows(managed), what="the role in what OCM's agent may do")


async def may_apply_workflows(managed: Client) -> bool:
    """Whether the roles gathered for OCM's agent include one for Workflows."""
    role = (await managed.get(CLUSTER_ROLE, components.GATHERED)).to_dict()
    return any("argoproj.io" in rule["apiGroups"] for rule in role.get("rules") or [])


async def _argosy(fleet: Fleet, hub: Client, managed: dict[str, Client], logs: Path) -> Argosy:
    """Our agent, joined, and our controllers with no more than the documented permissions."""
    joined = logs / f"{OURS}.agent.kubeconfig"
    await let_in(hub, fleet.hub.kubeconfig, OURS, joined, labels=IN_DEFAULT_SET)
    ours = agent(OURS, joined, fleet.managed[OURS].kubeconfig, logs)
    await components.may(hub, documented("argosy-controllers"), "argosy", "argo")
    limited = await components.credentials(
        hub, fleet.hub.kubeconfig, "argo", "argosy", logs / "controllers.kubeconfig"
    )
    return Argosy(fleet, hub, managed, controllers(limited, logs), {OURS: ours})


def documented(role: str) -> Json:
    """The ClusterRole of that name in docs/ocm.md."""
    text = (ROOT / "docs" / "ocm.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    bodies = [body for block in blocks for body in yaml.safe_load_all(block)]
    (found,) = (body for body in bodies if body["metadata"]["name"] == role)
    return dict(found)


def _example(name: str) -> Json:
    body: Json = yaml.safe_load((EXAMPLES / name).read_text())
    return body


def _object(api_version: str, kind: str, name: str) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
