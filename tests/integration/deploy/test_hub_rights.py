"""The controllers with the rights of deploy/hub, no others: nothing that they do is forbidden, and little is spare."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import manifestwork.wiring
import placement.evaluator.wiring
import placement.sets.wiring
import placement.wiring
import registration.running
import statussync.wiring
from agent.certificates import key_fingerprint, new_key
from agent.credentials import FileKeep
from agent.renewal import Renewal
from agent.signing import ask
from controllers.__main__ import LEASE_NAME, parser
from controllers.api import keys
from controllers.api.cluster import UNREACHABLE
from controllers.api.kinds import (
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_ROLE,
    LEASE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
)
from controllers.api.membership import bindings, joining_names
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden, NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.lease import holder_of
from controllers.runtime.manager import Manager
from controllers.runtime.process import elector_for, manager_for
from registration.__main__ import parser as registration_parser
from tests.deployed import account, rendered, rights, roles_of
from tests.eventually import eventually
from tests.integration.bodies import Body, cluster_set, managed_cluster, of, set_binding, workflow
from tests.integration.bodies import placement as a_placement
from tests.integration.played_agent import PlayedAgent
from tests.integration.registration.joining import connected, joined
from tests.integration.running import managing
from tests.integration.told import event
from tests.integration.watchful import Watchful
from tests.joining import invited, say_available

_STAMP = "2026-01-01T00:00:00Z"
_ENDED = {"phase": "Succeeded", "progress": "1/1", "startedAt": _STAMP, "finishedAt": _STAMP, "nodes": {}}
_CONTROLLERS = (placement.wiring, manifestwork.wiring, statussync.wiring)
_EVALUATION = (placement.evaluator.wiring, placement.sets.wiring)
# What a Workflow's life takes only when something is unusual: an event that comes again, a standard set that was
# changed, pages of decisions that change or are too many, a stop on the hub.
_SELDOM = {
    ("", "events", "patch"),
    ("cluster.open-cluster-management.io", "managedclustersets", "patch"),
    ("cluster.open-cluster-management.io", "placementdecisions", "patch"),
    ("cluster.open-cluster-management.io", "placementdecisions", "delete"),
    ("work.open-cluster-management.io", "manifestworks", "patch"),
}


class Accounts(NamedTuple):
    """Kubeconfigs of the two accounts of the hub's pods."""

    controllers: Path
    registration: Path


@pytest.fixture(scope="module")
async def limited(client: Client, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    out = tmp_path_factory.mktemp("hub-rights")
    names = ("argosy-controllers", "argosy-registration")
    return Accounts(
        *[await account(client, kubeconfig, "hub", out / f"{name}.kubeconfig", name=name) for name in names]
    )


@contextlib.asynccontextmanager
async def running(accounts: Accounts, *arguments: str, trusted: str = "") -> AsyncIterator[None]:
    """Both processes as the deployed pods have them, until a graceful stop."""
    async with (
        _managing(accounts.controllers, _controllers(arguments)),
        _managing(accounts.registration, _registration(trusted)),
    ):
        yield


Build = Callable[[Client, Recorder], Manager]


@contextlib.asynccontextmanager
async def _managing(kubeconfig: Path, build: Build) -> AsyncIterator[None]:
    client = await Watchful.connect(kubeconfig)
    manager = build(client, Recorder(client, "argosy"))
    try:
        async with managing(manager) as task:
            await eventually(lambda: task.done() or all(manager.readiness().values()), what="caches filled")
            yield
            manager.stop()
            await asyncio.wait_for(task, 30)
    finally:
        await client.close()


def _controllers(arguments: Sequence[str]) -> Build:
    common = ["run", "--registration=off", "--listen", "none", "--lease-namespace", "argosy"]
    options = parser().parse_args([*common, *arguments])

    def build(client: Client, recorder: Recorder) -> Manager:
        manager = manager_for(options, client, LEASE_NAME, recorder)
        informers = Informers(client, manager)
        for part in (*_CONTROLLERS, *_EVALUATION):
            part.add_to(manager, client, informers, recorder)
        return manager

    return build


def _registration(trusted: str) -> Build:
    common = ["run", "--listen", "none", "--lease-namespace", "argosy"]
    options = registration_parser().parse_args([*common, *([f"--auto-accept={trusted}"] if trusted else [])])

    def build(client: Client, recorder: Recorder) -> Manager:
        elector = elector_for(options, client, registration.running.LEASE_NAME)
        manager = Manager(elector=elector, recorder=recorder)
        registration.running.add_to(manager, client, Informers(client, manager), recorder, options)
        return manager

    return build


async def body_of(client: Client, cluster: str) -> Body:
    return (await client.get(MANAGED_CLUSTER, cluster)).to_dict()


async def is_kept_off(client: Client, cluster: str) -> bool:
    taints = (await body_of(client, cluster))["spec"].get("taints", [])
    return UNREACHABLE in [item["key"] for item in taints]


async def says_that_it_is_available(client: Client, cluster: str) -> None:
    """What the agent of a cluster does; it also has a lease."""
    await client.create(LEASE, of(LEASE, keys.CLUSTER_LEASE_NAME), namespace=cluster)
    await say_available(client, cluster, "True")


async def shows_the_end(client: Client, namespace: str) -> bool:
    found = (await client.get(WORKFLOW, "a", namespace=namespace)).to_dict()
    return bool(found.get("status", {}).get("phase") == "Succeeded")


@pytest.mark.parametrize(("shards", "for_shards"), [("1", {"delete"}), ("2", set())])
async def test_a_workflow_is_placed_delivered_shown_and_removed(
    client: Client, namespace: str, limited: Accounts, shards: str, for_shards: set[str]
) -> None:
    Watchful.begin()
    cluster = f"{namespace}-c"
    with contextlib.suppress(NotFound):
        await client.delete(MANAGED_CLUSTER_SET, "default")  # it is made again
    async with running(limited, "--shards", shards):
        await client.create(MANAGED_CLUSTER, managed_cluster(cluster, test=namespace))
        await eventually(lambda: is_kept_off(client, cluster), what="a cluster without agent is kept off")
        await eventually(lambda: is_bound(client, cluster, True), what="its agent has rights")
        await says_that_it_is_available(client, cluster)
        await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
        await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
        await client.create(PLACEMENT, a_placement("p"), namespace=namespace)
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)

        agent = PlayedAgent(client, cluster)
        work = await agent.claim(await agent.work())
        await event(client, namespace, "Placed")
        await agent.write_result(work, _ENDED)
        await eventually(lambda: shows_the_end(client, namespace), what="the end on the hub")

        await client.delete(WORKFLOW, "a", namespace=namespace)
        await agent.let_go(work)
        await gone(client, namespace)
        await client.delete(PLACEMENT, "p", namespace=namespace)
        await eventually(lambda: has_default_set(client), what="the default set")
    leases, _ = await client.list(LEASE, namespace="argosy")
    assert [holder_of(item) for item in leases if holder_of(item)] == []
    await client.delete(MANAGED_CLUSTER_SET, namespace)
    await client.delete(MANAGED_CLUSTER, cluster)
    assert Watchful.refused == []
    # Who may list may as well get.
    roles = roles_of(rendered("hub"), "argosy-controllers")
    spare = {right for right in rights(roles) - Watchful.used if right[2] != "get"}
    assert spare == _SELDOM | {(LEASE.group, LEASE.plural, verb) for verb in for_shards}


async def test_a_cluster_is_let_in_denied_and_seen_off(
    client: Client, kubeconfig: Path, limited: Accounts, namespace: str, tmp_path: Path
) -> None:
    """By registration with no more rights than these, on a hub that has the admission policies."""
    Watchful.begin()
    cluster, out = f"{namespace}-joins", tmp_path / "agent.kubeconfig"
    guest = tmp_path / "bootstrap.kubeconfig"
    identity = await invited(client, kubeconfig, guest)
    async with running(limited, trusted=identity):
        await asyncio.wait_for(joined(guest, cluster, out), 60)
        async with connected(out) as agent:
            kept = FileKeep(out)
            late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=25)
            renewal = Renewal(agent, cluster, kept, await kept.load() or {}, rejoin=None, now=lambda: late)
            await asyncio.wait_for(renewal.look(), 60)
        await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": False}}))
        await eventually(lambda: is_bound(client, cluster, False), what="denied")
        await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": True}}))
        await eventually(lambda: is_bound(client, cluster, True), what="accepted again")
        await client.create(LEASE, of(LEASE, keys.CLUSTER_LEASE_NAME), namespace=cluster)
        await client.delete(MANAGED_CLUSTER, cluster)
        await eventually(lambda: has_left(client, cluster), what="left")
    assert Watchful.refused == []


async def test_what_reads_users_objects_signs_nothing_and_lets_nobody_in(
    client: Client, limited: Accounts, namespace: str
) -> None:
    """M7: with the account of the controllers anybody could be made who may do anything."""
    await client.create(MANAGED_CLUSTER, of(MANAGED_CLUSTER, namespace, spec={}))
    key = new_key()
    request = await ask(client, namespace, key, joining_names(namespace, key_fingerprint(key)))
    role = of(CLUSTER_ROLE, namespace, rules=[])
    more = role | {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    approval = {"type": "Approved", "status": "True", "reason": "Approved", "message": ""}
    signed = merge_patch({"status": {"conditions": [approval]}})
    name = request.metadata.name
    async with connected(limited.controllers) as controllers:
        tries = [
            controllers.patch(CERTIFICATE_SIGNING_REQUEST, name, signed, subresource="approval"),
            controllers.create(CLUSTER_ROLE, role),
            controllers.create(NAMESPACE, of(NAMESPACE, f"{namespace}-x")),
            controllers.patch(MANAGED_CLUSTER, namespace, merge_patch({"spec": {"hubAcceptsClient": True}})),
            ask(controllers, namespace, new_key(), ["any"]),
        ]
        for one in tries:
            with pytest.raises(Forbidden):
                await one
    async with connected(limited.registration) as registering:
        with pytest.raises(Forbidden):
            await registering.list(WORKFLOW, namespace=namespace)
        with pytest.raises(Forbidden, match="attempting to grant RBAC permissions not currently held"):
            await registering.create(CLUSTER_ROLE, more)
        await registering.patch(CERTIFICATE_SIGNING_REQUEST, name, signed, subresource="approval")
    await client.delete(CERTIFICATE_SIGNING_REQUEST, name)
    await client.delete(MANAGED_CLUSTER, namespace)


async def is_bound(client: Client, cluster: str, expected: bool) -> bool:
    found = [await client.find(item.kind, item.name, namespace=item.namespace) for item in bindings(cluster)]
    return all((item is not None) is expected for item in found)


async def has_left(client: Client, cluster: str) -> bool:
    return await client.find(MANAGED_CLUSTER, cluster) is None


async def gone(client: Client, namespace: str) -> None:
    async def probe() -> bool:
        return await client.find(WORKFLOW, "a", namespace=namespace) is None

    await eventually(probe, what="the Workflow is gone")


async def has_default_set(client: Client) -> bool:
    return await client.find(MANAGED_CLUSTER_SET, "default") is not None


async def test_pages_that_are_not_needed_are_deleted(
    client: Client, namespace: str, limited: Accounts
) -> None:
    """The one verb that the way of a Workflow does not take: a stray page of a Placement is removed."""
    Watchful.begin()
    await client.create(PLACEMENT, a_placement("p"), namespace=namespace)
    async with running(limited):
        page = of(PLACEMENT_DECISION, "p-decision-7")
        page["metadata"]["labels"] = {keys.PLACEMENT_LABEL: "p"}
        await client.create(PLACEMENT_DECISION, page, namespace=namespace)

        async def is_gone() -> bool:
            return await client.find(PLACEMENT_DECISION, "p-decision-7", namespace=namespace) is None

        await eventually(is_gone, what="the stray page is gone")
    assert Watchful.refused == []
