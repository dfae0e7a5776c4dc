"""A cluster's membership: what joining makes and allows, what the agent keeps up, and how little it asks for."""

from __future__ import annotations

import asyncio
import datetime
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.argo import NAMES
from controllers.api.cluster import ManagedCluster
from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import (
    CLUSTER_CLAIM,
    LEASE,
    MANAGED_CLUSTER,
    MANIFEST_WORK,
    NAMESPACE,
    NODE,
    PLACEMENT,
    SECRET,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, manifest
from tests.joining import let_in
from tests.processes import ROOT


async def registration(pair: Pair) -> ManagedCluster:
    return (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster)


async def renewed_at(pair: Pair) -> datetime.datetime:
    lease = await pair.hub.find(LEASE, CLUSTER_LEASE_NAME, namespace=CLUSTER)
    assert lease is not None, "no lease yet"
    return datetime.datetime.fromisoformat(lease.to_dict()["spec"]["renewTime"])


# -- what the agent keeps up -----------------------------------------------------------------------------
async def test_the_lease_is_renewed_as_often_as_the_cluster_says(pair: Pair, agent: Agent) -> None:
    times: set[datetime.datetime] = set()

    async def three() -> bool:
        times.add(await renewed_at(pair))
        return len(times) == 3

    await eventually(three, what="two renewals, a second apart")
    lease = (await pair.hub.get(LEASE, CLUSTER_LEASE_NAME, namespace=CLUSTER)).to_dict()
    assert lease["spec"]["leaseDurationSeconds"] == 1


async def test_a_lease_that_is_to_last_shorter_is_renewed_at_once(pair: Pair) -> None:
    async def lasts(seconds: int) -> bool:
        lease = (await pair.hub.get(LEASE, CLUSTER_LEASE_NAME, namespace=CLUSTER)).to_dict()
        return bool(lease["spec"]["leaseDurationSeconds"] == seconds)

    async def is_to_last(seconds: int) -> None:
        patch = merge_patch({"spec": {"leaseDurationSeconds": seconds}})
        await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, patch)

    await is_to_last(3600)  # before the agent renews it for the first time: then it rests for an hour
    async with running(pair):
        await eventually(lambda: lasts(3600), what="a lease of an hour")
        await is_to_last(1)
        await eventually(lambda: lasts(1), what="a lease of a second")


async def test_a_lease_that_was_deleted_comes_back(pair: Pair, agent: Agent) -> None:
    await eventually(lambda: renewed_at(pair), what="lease")
    await pair.hub.delete(LEASE, CLUSTER_LEASE_NAME, namespace=CLUSTER)
    await eventually(lambda: renewed_at(pair), what="lease")


async def test_version_and_resources_are_those_of_the_cluster(pair: Pair, agent: Agent) -> None:
    await pair.managed.create(NODE, node("extra", cpu="3", memory="5Gi", **{"example.org/gpu": "2"}))
    nodes, _ = await pair.managed.list(NODE)
    cpus = sum(int(item.to_dict()["status"]["capacity"]["cpu"]) for item in nodes)

    async def reported() -> bool:
        status = (await registration(pair)).status
        assert (status.version.kubernetes or "").startswith("v1.")
        assert (status.capacity or {}).get("cpu") == str(cpus)
        assert (status.capacity or {}).get("example.org/gpu") == "2"
        assert (status.allocatable or {}).get("example.org/gpu") == "2"
        return True

    await eventually(reported, what="capacity with the new node")
    await pair.managed.patch(NODE, "extra", merge_patch({"spec": {"unschedulable": True}}))

    async def cordoned() -> bool:
        status = (await registration(pair)).status
        return "example.org/gpu" not in (status.allocatable or {}) and "example.org/gpu" in (
            status.capacity or {}
        )

    await eventually(cordoned, what="allocatable without the cordoned node")
    await pair.managed.delete(NODE, "extra")

    async def without() -> bool:
        return "example.org/gpu" not in ((await registration(pair)).status.capacity or {})

    await eventually(without, what="capacity without the node")


def node(name: str, **capacity: str) -> dict[str, Any]:
    return manifest(NODE, name, status={"capacity": capacity, "allocatable": capacity})


async def test_claims_follow_the_clusters_claims(pair: Pair, agent: Agent) -> None:
    async def are(expected: dict[str, str]) -> bool:
        found = (await registration(pair)).claims()
        assert {name: value for name, value in found.items() if name not in NAMES} == expected, found
        return True

    await pair.managed.create(
        CLUSTER_CLAIM, manifest(CLUSTER_CLAIM, "platform", spec={"value": "bare metal"})
    )
    await pair.managed.create(CLUSTER_CLAIM, manifest(CLUSTER_CLAIM, "room", spec={"value": "5"}))
    kept = manifest(CLUSTER_CLAIM, "secret", spec={"value": "42"})
    kept["metadata"]["labels"] = {"open-cluster-management.io/spoke-only": ""}
    await pair.managed.create(CLUSTER_CLAIM, kept)
    await eventually(lambda: are({"platform": "bare metal", "room": "5"}), what="two claims")
    await pair.managed.patch(CLUSTER_CLAIM, "room", merge_patch({"spec": {"value": "6"}}))
    await pair.managed.delete(CLUSTER_CLAIM, "platform")
    await eventually(lambda: are({"room": "6"}), what="one claim")
    await pair.managed.delete(CLUSTER_CLAIM, "room")
    await pair.managed.delete(CLUSTER_CLAIM, "secret")
    await eventually(lambda: are({}), what="no claims")


async def test_a_status_that_somebody_else_changed_is_put_right(pair: Pair, agent: Agent) -> None:
    foreign = {"type": "example.org/Blessed", "status": "True", "reason": "Yes", "message": ""}
    foreign["lastTransitionTime"] = "2026-11-21T09:00:00Z"

    async def joined() -> list[dict[str, Any]]:
        found = (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).to_dict()["status"]
        assert found["version"]["kubernetes"].startswith("v1.")
        assert {item["type"] for item in found["conditions"]} >= {"ManagedClusterJoined"}
        conditions: list[dict[str, Any]] = found["conditions"]
        return conditions

    before = await eventually(joined, what="a first report")
    patch = {"status": {"version": {"kubernetes": "v0"}, "conditions": [*before, foreign]}}
    await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, merge_patch(patch), subresource="status")
    after = await eventually(joined, what="the right version again")
    assert foreign in after


async def test_an_agent_with_nothing_to_do_asks_for_nothing_but_its_lease(pair: Pair, namespace: str) -> None:
    # What is free is told up to a minute after the last pod has changed: test_free.py.
    async with running(pair, free=False) as agent:
        left, _ = await pair.hub.list(MANIFEST_WORK, namespace=CLUSTER)
        for work in left:  # of other tests; some of them are for ever tried again
            await works.delete(pair, work.metadata.name)
        await works.create(
            pair, namespace, works.config_map("c", namespace), works.deployment("d", namespace)
        )
        await works.condition(pair, namespace, "Applied", "True")

        async def is_quiet() -> bool:
            agent.requests.clear()
            await asyncio.sleep(1)
            return set(agent.requests) <= {"hub PATCH"}

        await eventually(is_quiet, within=20, what="the Deployment has settled")
        agent.requests.clear()
        first = await renewed_at(pair)

        async def has_renewed_thrice() -> bool:
            return (await renewed_at(pair)) - first >= datetime.timedelta(seconds=2.9)

        await eventually(has_renewed_thrice, within=10, what="three renewals")
        assert set(agent.requests) == {"hub PATCH"}
        assert agent.requests["hub PATCH"] <= 5, "three or four renewals, and nothing else"


# -- what the account may ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
async def foreign(pair: Pair) -> str:
    """Another member of the hub."""
    name = "foreign"
    for kind, namespace, body in (
        (NAMESPACE, "", manifest(NAMESPACE, name)),
        (MANAGED_CLUSTER, "", manifest(MANAGED_CLUSTER, name, spec={"hubAcceptsClient": True})),
        (MANIFEST_WORK, name, manifest(MANIFEST_WORK, "w", name, spec={"workload": {"manifests": []}})),
        (WORKFLOW_STATUS_RESULT, name, {**manifest(WORKFLOW_STATUS_RESULT, "w", name), "workflowStatus": {}}),
    ):
        await pair.hub.create(kind, body, namespace=namespace)
    return name


@pytest.mark.parametrize(
    ("kind", "namespace", "name"),
    [
        (MANIFEST_WORK, "foreign", "w"),
        (WORKFLOW_STATUS_RESULT, "foreign", "w"),
        (MANAGED_CLUSTER, "", "foreign"),
        (SECRET, CLUSTER, "argosy-agent"),
        (SECRET, "foreign", "any"),
        (SECRET, "default", "any"),
        (LEASE, "foreign", CLUSTER_LEASE_NAME),
        (LEASE, CLUSTER, "another-lease"),
        (WORKFLOW, "default", "any"),
        (PLACEMENT, "default", "any"),
    ],
)
async def test_the_account_sees_and_changes_nothing_of_others(
    pair: Pair, foreign: str, kind: Kind, namespace: str, name: str
) -> None:
    account = await Client.connect(pair.agent_hub)
    try:
        with pytest.raises(Forbidden):
            await account.get(kind, name, namespace=namespace)
        with pytest.raises(Forbidden):
            await account.list(kind, namespace=namespace)
        with pytest.raises(Forbidden):
            await account.list(kind)
        with pytest.raises(Forbidden):
            await account.patch(
                kind, name, merge_patch({"metadata": {"labels": {"a": "b"}}}), namespace=namespace
            )
        with pytest.raises(Forbidden):
            await account.delete(kind, name, namespace=namespace)
    finally:
        await account.close()


async def test_the_account_neither_makes_nor_deletes_works_and_clusters(pair: Pair) -> None:
    account = await Client.connect(pair.agent_hub)
    try:
        with pytest.raises(Forbidden):
            await account.create(MANIFEST_WORK, manifest(MANIFEST_WORK, "mine", CLUSTER), namespace=CLUSTER)
        with pytest.raises(Forbidden):
            await account.delete(MANIFEST_WORK, "any", namespace=CLUSTER)
        with pytest.raises(Forbidden):
            await account.create(MANAGED_CLUSTER, manifest(MANAGED_CLUSTER, "mine"))
        with pytest.raises(Forbidden):
            await account.delete(MANAGED_CLUSTER, CLUSTER)
    finally:
        await account.close()


# -- joining ---------------------------------------------------------------------------------------------
async def test_joining_again_keeps_what_is_there_and_works(pair: Pair, tmp_path: Path) -> None:
    before = await registration(pair)
    out = tmp_path / "again.kubeconfig"
    await let_in(pair.hub, pair.fleet.hub.kubeconfig, CLUSTER, out, labels={"tier": "gold"}, lease_seconds=1)
    after = await registration(pair)
    assert after.metadata.uid == before.metadata.uid
    assert after.metadata.labels["name"] == CLUSTER
    assert after.metadata.labels["tier"] == "gold"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    account = await Client.connect(out)
    assert (await account.get(MANAGED_CLUSTER, CLUSTER)).metadata.uid == before.metadata.uid
    await account.close()


async def join_as_a_user(hub: Path, out: Path) -> tuple[int, str]:
    """(exit status, what the user reads)."""
    command = [sys.executable, "-m", "agent", "join", "--cluster", "cluster9"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--hub-kubeconfig", str(hub), "--out", str(out), "--accept"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


async def test_joining_with_credentials_that_may_not_says_so(pair: Pair, tmp_path: Path) -> None:
    status, text = await join_as_a_user(pair.agent_hub, tmp_path / "out")
    assert status == 1
    assert text.startswith("error: these hub credentials may not register a cluster")
    assert text.rstrip().endswith("use an administrator's")
    assert not (tmp_path / "out").exists()


async def test_joining_what_is_no_hub_says_what_to_install(pair: Pair, tmp_path: Path) -> None:
    """The kubeconfig of the managed cluster in place of the hub's: it has no ManagedClusters."""
    status, text = await join_as_a_user(pair.agent_managed, tmp_path / "out")
    assert status == 1
    assert "install the CRDs there first" in text
    assert "127.0.0.1" in text, "which server was asked"


async def test_joining_without_a_kubeconfig_says_where_it_looked(pair: Pair, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    status, text = await join_as_a_user(missing, tmp_path / "out")
    assert status == 2
    assert str(missing) in text
    assert "Traceback" not in text


async def test_joining_a_hub_that_does_not_answer_says_so(pair: Pair, tmp_path: Path) -> None:
    config = yaml.safe_load(pair.fleet.hub.kubeconfig.read_text())
    for item in config["clusters"]:
        item["cluster"]["server"] = "https://127.0.0.1:9"
    dead = tmp_path / "dead.kubeconfig"
    dead.write_text(yaml.safe_dump(config))
    status, text = await join_as_a_user(dead, tmp_path / "out")
    assert status == 1
    assert "127.0.0.1:9" in text or "127.0.0.1', 9" in text
    assert "Traceback" not in text


# -- the agent process -----------------------------------------------------------------------------------
async def test_a_running_agent_goes_on_when_its_cluster_is_joined_anew(pair: Pair, tmp_path: Path) -> None:
    async with running(pair) as agent:
        await pair.hub.delete(MANAGED_CLUSTER, CLUSTER)
        await let_in(
            pair.hub,
            pair.fleet.hub.kubeconfig,
            CLUSTER,
            tmp_path / "again",
            labels={"region": "north"},
            lease_seconds=1,
        )

        async def reported() -> bool:
            return bool((await registration(pair)).status.version.kubernetes)

        await eventually(reported, what="the new ManagedCluster has a status")
        assert not agent.task.done()
