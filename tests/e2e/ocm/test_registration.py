"""Our agent joins a hub where OCM's own registration and placement are at work, with credentials that can only ask.

OCM's operator and its webhooks do not run: what they would do (the default cluster set's label) the join does.
"""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from agent.credentials import FileKeep
from agent.renewal import Renewal
from controllers.api.cluster import ManagedCluster
from controllers.api.conditions import find
from controllers.api.keys import CLUSTER_SET_LABEL
from controllers.api.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    PLACEMENT,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
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
from tests.deployed import granted
from tests.e2e import workflows
from tests.e2e.conftest import EXAMPLES, Argosy
from tests.e2e.ocm import components, definitions
from tests.e2e.ocm.components import ensure
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.joining import invited
from tests.processes import ROOT, Process, agent, controllers

CLUSTER = "newcomer"
AVAILABLE = "ManagedClusterConditionAvailable"


@dataclass
class Hub:
    """`credentials`: where our agent keeps its kubeconfig. `admin`, `managed`: administrators' clients."""

    fleet: Fleet
    admin: Client
    managed: Client
    credentials: Path
    controllers: Process
    agent: Process

    @property
    def argosy(self) -> Argosy:
        return Argosy(
            self.fleet, self.admin, {CLUSTER: self.managed}, self.controllers, {CLUSTER: self.agent}
        )

    async def available(self) -> str:
        cluster = (await self.admin.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster)
        found = find(cluster.status.conditions, AVAILABLE)
        return found.status if found else ""


@pytest.fixture(scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    source = await asyncio.to_thread(definitions.source)
    async with AsyncExitStack() as cleanup:
        fleet = await asyncio.to_thread(
            provider().start, tmp_path_factory.mktemp("registered"), [CLUSTER], argo=True
        )
        cleanup.callback(fleet.stop)
        logs = tmp_path_factory.mktemp("logs")
        admin = await Client.connect(fleet.hub.kubeconfig)
        cleanup.push_async_callback(admin.close)
        managed = await Client.connect(fleet.managed[CLUSTER].kubeconfig)
        cleanup.push_async_callback(managed.close)
        await definitions.install(managed, definitions.for_managed(source))
        await definitions.install(admin, [*definitions.for_hub(source), *definitions.addons(source)])
        supervisor = Supervisor(Layout(logs), State())
        cleanup.callback(supervisor.stop)
        bootstrap = logs / "bootstrap.kubeconfig"
        identity = await invited(admin, fleet.hub.kubeconfig, bootstrap)
        await _lets_join_the_default_set(admin, identity)
        await _start_ocm(fleet, supervisor, logs, identity)
        credentials = logs / "agent.kubeconfig"
        await asyncio.to_thread(_join, bootstrap, credentials)
        ours = agent(CLUSTER, credentials, fleet.managed[CLUSTER].kubeconfig, logs)
        hubs = controllers(fleet.hub.kubeconfig, logs)
        for process in (hubs, ours):
            cleanup.callback(process.kill)
        yield Hub(fleet, admin, managed, credentials, hubs, ours)


async def _lets_join_the_default_set(admin: Client, identity: str) -> None:
    """As OCM's webhook wants it, and our admission policy."""
    rule = {
        "apiGroups": [MANAGED_CLUSTER.group],
        "resources": ["managedclustersets/join"],
        "resourceNames": ["default"],
        "verbs": ["create"],
    }
    role = of(CLUSTER_ROLE, "join-default", rules=[rule])
    binding = of(
        CLUSTER_ROLE_BINDING,
        "join-default",
        roleRef={"apiGroup": CLUSTER_ROLE.group, "kind": CLUSTER_ROLE.kind, "name": "join-default"},
        subjects=[{"apiGroup": CLUSTER_ROLE.group, "kind": "User", "name": identity}],
    )
    await ensure(admin, CLUSTER_ROLE, role)
    await ensure(admin, CLUSTER_ROLE_BINDING, binding)
    await granted(admin, identity, [role])


async def _start_ocm(fleet: Fleet, supervisor: Supervisor, logs: Path, trusted: str) -> None:
    binaries = await asyncio.to_thread(Binaries(Silent(), Cancellation()).ensure, OCM_BINARIES)
    admin = fleet.hub.kubeconfig
    with Reservation() as ports:
        for part in (
            components.placement(binaries["ocm-placement"], admin, logs, ports),
            components.registration(binaries["ocm-registration"], admin, trusted, logs, ports),
        ):
            await asyncio.to_thread(supervisor.launch, part)


def _join(bootstrap: Path, out: Path) -> None:
    command = [sys.executable, "-m", "agent", "join", "--cluster", CLUSTER, "--lease-seconds", "1"]
    command += ["--label", f"{CLUSTER_SET_LABEL}=default", "--timeout", "60"]
    subprocess.run([*command, "--hub-kubeconfig", str(bootstrap), "--out", str(out)], check=True, cwd=ROOT)


async def test_ocm_has_let_it_in_and_its_rights_alone_do_not_suffice(hub: Hub) -> None:
    """With the roles that OCM gives an agent it can live, but not report whole statuses."""
    found = (await hub.admin.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster)
    accepted = find(found.status.conditions, "HubAcceptedManagedCluster")
    assert found.spec.hub_accepts_client
    assert accepted is not None
    assert accepted.status == "True"
    assert await hub.admin.find(CLUSTER_ROLE_BINDING, f"open-cluster-management:managedcluster:{CLUSTER}")
    ours = await Client.connect(hub.credentials)
    try:
        await ours.list(MANIFEST_WORK, namespace=CLUSTER)
        with pytest.raises(Forbidden):
            await ours.request(
                "GET", f"/apis/argoproj.io/v1alpha1/namespaces/{CLUSTER}/workflowstatusresults"
            )
    finally:
        await ours.close()


async def test_what_is_missing_is_added_by_one_command(hub: Hub) -> None:
    command = [sys.executable, "-m", "registration", "accept", CLUSTER]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--kubeconfig", str(hub.fleet.hub.kubeconfig)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"\n{CLUSTER}: accepted, certificate requests approved: 0\n")
    await hub.controllers.start()
    await hub.agent.start()
    await eventually(lambda: _is(hub, "True"), within=60, what="available, as OCM sees its lease")


async def _is(hub: Hub, status: str) -> bool:
    found = await hub.available()
    assert found == status
    return True


async def test_ocms_placement_selects_it_and_workflows_run_there(hub: Hub) -> None:
    for file, kind in (
        ("clusterset-binding.yaml", MANAGED_CLUSTER_SET_BINDING),
        ("placement.yaml", PLACEMENT),
    ):
        await ensure(hub.admin, kind, yaml.safe_load((EXAMPLES / file).read_text()), namespace="argo")
    await workflows.create(hub.argosy, workflows.hello("first"))
    await workflows.in_phase(hub.argosy, "first")
    shown = await workflows.same_as_copy(hub.argosy, "first")
    assert workflows.cluster_of(shown) == CLUSTER
    assert shown["status"]["nodes"]["first"]["phase"] == "Succeeded"


async def test_ocm_counts_on_its_lease(hub: Hub) -> None:
    hub.agent.kill()
    await eventually(lambda: _is(hub, "Unknown"), within=60, what="OCM notices that it is dead")
    await hub.agent.start()
    await eventually(lambda: _is(hub, "True"), within=60, what="OCM notices that it is back")


async def test_ocm_renews_its_certificate(hub: Hub) -> None:
    keep = FileKeep(hub.credentials)
    before = await keep.load()
    assert before is not None
    ours = await Client.connect(before)
    try:
        late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=25)
        renewal = Renewal(ours, CLUSTER, keep, before, rejoin=None, now=lambda: late)
        await asyncio.wait_for(renewal.look(), 60)
        assert await keep.load() != before
        await ours.get(MANAGED_CLUSTER, CLUSTER)
    finally:
        await ours.close()


async def test_it_leaves_as_ocm_has_it(hub: Hub) -> None:
    """OCM deletes the works, our agent what they brought, OCM the rights and the ManagedCluster."""
    await hub.admin.delete(MANAGED_CLUSTER, CLUSTER)

    async def has_left() -> bool:
        assert await hub.managed.find(WORKFLOW, "first", namespace="argo") is None
        assert (await hub.admin.list(MANIFEST_WORK, namespace=CLUSTER))[0] == []
        assert await hub.admin.find(MANAGED_CLUSTER, CLUSTER) is None
        return True

    await eventually(has_left, within=90, what="nothing left")
