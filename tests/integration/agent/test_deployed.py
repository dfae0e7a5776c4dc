"""The agent with the rights of deploy/agent, no others; and `python -m hack.deploy`, on nodes that only pretend."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from agent.wiring import LEASE_NAME
from controllers.api.keys import AGENT_MANAGER, MANAGED_BY_LABEL
from controllers.api.kinds import CLUSTER_CLAIM, CLUSTER_ROLE, NAMESPACE, NODE, WORKFLOW
from controllers.kube.patch import merge_patch
from controllers.runtime.lease import LeaseLock
from hack.fleet.layout import REPOSITORY
from tests.deployed import account, documented, granted, program, rendered, rights
from tests.e2e.ocm.components import ensure
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, DEPLOYMENT, config_map, manifest, workflow
from tests.integration.watchful import Watchful

_END = "2026-01-01T00:00:00Z"
_ACCOUNT = "system:serviceaccount:argosy-agent:argosy-agent"
# What a work's life does not take: claims of an Argo that changes or goes, and the agent's own credentials, which only
# a pod keeps in a Secret (tests/integration/registration/test_in_a_pod.py). The book's pages are patched and deleted
# at times.
_SELDOM = {
    *(
        ("cluster.open-cluster-management.io", "clusterclaims", verb)
        for verb in ("create", "patch", "delete")
    ),
    *(("", "configmaps", verb) for verb in ("create", "patch", "delete")),
    *(("", "secrets", verb) for verb in ("create", "patch")),
}
_NOBODY = {
    "subject": {"type": "ServiceAccount", "serviceAccount": {"namespace": "default", "name": "nobody"}}
}


async def test_the_agent_needs_its_role_and_no_more(pair: Pair, namespace: str, tmp_path: Path) -> None:
    async with running(pair):  # what other tests have left may be beyond the rights of the next agent
        await works.clear(pair)
    Watchful.begin()
    limited = await account(
        pair.managed, pair.agent_managed, "agent", tmp_path / "agent.kubeconfig", name="argosy-agent"
    )
    added = documented("deploying.md", "argosy-agent-config")
    await ensure(pair.managed, CLUSTER_ROLE, added)
    await granted(pair.managed, _ACCOUNT, [added])
    name, brought = namespace, f"{namespace}-brought"
    async with running(pair, managed=limited, client=Watchful):
        await works.create(
            pair,
            name,
            manifest(NAMESPACE, brought),
            config_map("c", brought, a="1"),
            workflow("w", brought),
        )
        await works.there(pair, CONFIG_MAP, "c", brought, data={"a": "1"})
        await works.there(pair, WORKFLOW, "w", brought)
        await works.condition(pair, name, "Applied", "True")
        await works.change(
            pair, name, manifest(NAMESPACE, brought), config_map("c", brought, a="2"), workflow("w", brought)
        )
        await works.there(pair, CONFIG_MAP, "c", brought, data={"a": "2"})
        await works.play_argo(pair, "w", brought, "Succeeded", finishedAt=_END)
        asking = config_map("asks", namespace, a="1")
        await works.create(pair, f"{name}-asks", asking, executor=_NOBODY)
        await works.condition(pair, f"{name}-asks", "Applied", "False")
        await works.delete(pair, name)
        await works.not_there(pair, WORKFLOW, "w", brought)
        await works.delete(pair, f"{name}-asks")
    await holds_its_lease(limited)
    assert Watchful.refused == []
    # Who may list may as well get.
    spare = {right for right in rights(rendered("agent")) - Watchful.used if right[2] != "get"}
    assert spare <= _SELDOM


async def holds_its_lease(kubeconfig: Path) -> None:
    """Takes, renews and releases the leader's lease, where the pod would."""
    client = await Watchful.connect(kubeconfig)
    try:
        lock = LeaseLock(client, name=LEASE_NAME, namespace="argosy-agent", identity="test")
        assert await lock.attempt()
        assert await lock.attempt()
        assert await lock.release()
    finally:
        await client.close()


def deploy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hack.deploy", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=180)


async def test_the_controllers_come_and_go(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a managed cluster, since a local hub has no nodes."""
    monkeypatch.setenv("KUBECTL", str(await asyncio.to_thread(program, "kubectl")))
    there = ("--kubeconfig", str(pair.agent_managed))
    for _ in range(2):  # it may be repeated
        done = await asyncio.to_thread(deploy, "hub", "--image", "example.org/argosy:2", *there)
        assert done.returncode == 0, done.stderr
    found = (await pair.managed.get(DEPLOYMENT, "argosy-controllers", namespace="argosy")).to_dict()
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "example.org/argosy:2"
    assert found["status"]["readyReplicas"] == 2
    assert await pair.managed.find(CLUSTER_ROLE, "argosy-evaluator") is not None
    done = await asyncio.to_thread(deploy, "hub-ocm", *there)
    assert done.returncode == 0, done.stderr
    assert await pair.managed.find(CLUSTER_ROLE, "argosy-evaluator") is None
    for _ in range(2):
        gone = await asyncio.to_thread(deploy, "remove", "hub", *there)
        assert gone.returncode == 0, gone.stderr
    assert await pair.managed.find(NAMESPACE, "argosy") is None


async def test_a_release_of_the_chart_comes_and_goes(pair: Pair) -> None:
    chart = str(REPOSITORY / "deploy" / "chart" / "argosy")
    there = (f"--kubeconfig={pair.agent_managed}", "--namespace=argosy-chart")
    helm = str(await asyncio.to_thread(program, "helm"))

    async def run(*arguments: str) -> None:
        command = [helm, *arguments, *there, "--wait", "--timeout=60s"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    async def is_one() -> bool:  # a pod that is on its way out is counted for a moment
        found = await pair.managed.get(DEPLOYMENT, "argosy-controllers", namespace="argosy-chart")
        return bool(found.to_dict()["status"].get("readyReplicas") == 1)

    await run("install", "argosy", chart, "--create-namespace")
    try:
        await run("upgrade", "argosy", chart, "--set=hub.replicas=1", "--set=hub.evaluator=off")
        await eventually(is_one, what="one replica")
        assert await pair.managed.find(CLUSTER_ROLE, "argosy-evaluator") is None
    finally:
        await run("uninstall", "argosy")
    assert await pair.managed.find(CLUSTER_ROLE, "argosy-controllers") is None
    await pair.managed.delete(NAMESPACE, "argosy-chart")


async def test_pods_that_find_no_place_say_so(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL", str(await asyncio.to_thread(program, "kubectl")))
    there = ("--kubeconfig", str(pair.agent_managed))
    nodes, _ = await pair.managed.list(NODE)
    for cordoned in (True, False):
        for node in nodes:
            patch = merge_patch({"spec": {"unschedulable": cordoned}})
            await pair.managed.patch(NODE, node.metadata.name, patch)
        done = await asyncio.to_thread(deploy, "hub", "--timeout", "5" if cordoned else "60", *there)
        assert done.returncode == (1 if cordoned else 0), done.stderr
        if cordoned:
            assert "Unschedulable, 0/" in done.stderr
            # Whichever of the two Deployments is waited for first.
            assert "kubectl logs -n argosy deployment/argosy-" in done.stderr
    await asyncio.to_thread(deploy, "remove", "hub", *there)


async def test_an_agent_comes_with_its_membership(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECTL", str(await asyncio.to_thread(program, "kubectl")))
    membership, near = tmp_path / "agent.kubeconfig", tmp_path / "near.kubeconfig"
    text = pair.agent_hub.read_text()
    membership.write_text(text.replace(pair.hub.host, "https://hub.example:6443"))
    near.write_text(text.replace(pair.hub.host, "https://127.0.0.1:6443"))
    options = ("--cluster", CLUSTER, "--kubeconfig", str(pair.agent_managed), "--hub-kubeconfig")
    refused = await asyncio.to_thread(deploy, "agent", *options, str(near))
    assert refused.returncode == 1
    assert "which in a pod is the pod itself" in refused.stderr
    done = await asyncio.to_thread(deploy, "agent", *options, str(membership))
    assert done.returncode == 0, done.stderr
    ours, others = (manifest(CLUSTER_CLAIM, f"deployed.{whose}", spec={"value": "1"}) for whose in "ab")
    ours["metadata"]["labels"] = {MANAGED_BY_LABEL: AGENT_MANAGER}
    for claim in (ours, others):
        await pair.managed.create(CLUSTER_CLAIM, claim)
    for _ in range(2):
        gone = await asyncio.to_thread(deploy, "remove", "agent", "--kubeconfig", str(pair.agent_managed))
        assert gone.returncode == 0, gone.stderr
    assert await pair.managed.find(NAMESPACE, "argosy-agent") is None
    assert await pair.managed.find(CLUSTER_CLAIM, "deployed.a") is None
    await pair.managed.delete(CLUSTER_CLAIM, "deployed.b")
