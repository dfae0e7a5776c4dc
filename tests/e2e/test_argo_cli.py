"""The genuine argo command line on the hub shows what it shows on the cluster."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api import keys
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.progress import Silent
from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.e2e.workflows import NAMESPACE
from tests.eventually import eventually

FINISHED = {"cli-hello": "Succeeded", "cli-diamond": "Succeeded", "cli-fails": "Failed"}
RUNNING = "cli-runs"


@pytest.fixture(scope="module")
def argo() -> Path:
    return Binaries(Silent(), Cancellation()).ensure(["argo"])["argo"]


@pytest.fixture(scope="module")
async def finished(argosy: Argosy) -> AsyncIterator[None]:
    """Workflows that have ended in different ways, and one that runs."""
    fails = workflows.two_steps("cli-fails")
    fails["spec"]["podMetadata"] = {"labels": {"fake.argosy.io/outcome": "fail"}}
    bodies = [
        workflows.hello("cli-hello"),
        workflows.diamond("cli-diamond"),
        fails,
        workflows.hello(RUNNING, seconds=600),
    ]
    for body in bodies:
        await workflows.create(argosy, body)
    for name, phase in FINISHED.items():
        await workflows.in_phase(argosy, name, phase)
        await workflows.same_as_copy(argosy, name)
    await workflows.in_phase(argosy, RUNNING, "Running")
    yield
    await workflows.delete(argosy, *FINISHED, RUNNING)


async def run(argo: Path, kubeconfig: Path, *arguments: str) -> str:
    """What the command prints. AssertionError if it fails."""
    command = [str(argo), "--kubeconfig", str(kubeconfig), "-n", NAMESPACE, *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_ages(text: str) -> list[str]:
    """The lines of `argo get` without how long ago things were, when the copy was made, and a sum that is
    printed in random order; of what still runs, without how long it has run by now."""
    other = ["Created:", "ResourcesDuration:"] + (["Duration:"] if "\nFinished:" not in text else [])
    lines = [line for line in text.splitlines() if not line.startswith(tuple(other))]
    lines = [re.sub(r"\(?\d+ (second|minute)s? ago\)?|\(now\)|\b\d+s\b", "<age>", line) for line in lines]
    return [re.sub(r"\s+", " ", line).strip() for line in lines]


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("name", [*FINISHED, RUNNING])
async def test_argo_get_shows_the_same_on_hub_and_cluster(argosy: Argosy, argo: Path, name: str) -> None:
    hub = await workflows.shown(argosy.hub, name)
    cluster = argosy.fleet.managed[workflows.cluster_of(hub)]
    on_hub = without_ages(await run(argo, argosy.fleet.hub.kubeconfig, "get", name, "--no-color"))
    on_cluster = without_ages(await run(argo, cluster.kubeconfig, "get", name, "--no-color"))
    assert on_hub == on_cluster
    tree = "\n".join(on_hub)
    assert "STEP" in tree
    for node in hub["status"]["nodes"].values():
        assert node["type"] != "Pod" or node["displayName"] in tree


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), {*FINISHED, RUNNING}),
        (("--completed",), set(FINISHED)),
        (("--running",), {RUNNING}),
        (("--status", "Failed"), {"cli-fails"}),
        (("--status", "Succeeded"), {"cli-hello", "cli-diamond"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_argo_list_finds_workflows_by_their_state(
    argosy: Argosy, argo: Path, flags: tuple[str, ...], expected: set[str]
) -> None:
    found = (await run(argo, argosy.fleet.hub.kubeconfig, "list", "-o", "name", *flags)).split()
    assert {name for name in found if name.startswith("cli-")} == expected


@pytest.mark.usefixtures("finished")
async def test_argo_list_shows_phase_and_message(argosy: Argosy, argo: Path) -> None:
    listed = json.loads(await run(argo, argosy.fleet.hub.kubeconfig, "list", "-o", "json"))
    phases = {item["metadata"]["name"]: item["status"]["phase"] for item in listed}
    assert FINISHED.items() <= phases.items()


async def test_argo_submit_and_wait_on_the_hub(argosy: Argosy, argo: Path, tmp_path: Path) -> None:
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(workflows.hello("cli-submitted")))
    hub = argosy.fleet.hub.kubeconfig
    printed = await run(argo, hub, "submit", str(path), "--wait", "-o", "name")
    assert "cli-submitted" in printed
    assert workflows.phase_of(await workflows.shown(argosy.hub, "cli-submitted")) == "Succeeded"
    await workflows.same_as_copy(argosy, "cli-submitted")
    await run(argo, hub, "delete", "cli-submitted")
    await workflows.gone(argosy.hub, "cli-submitted")


@pytest.mark.parametrize(("command", "field"), [("stop", "Stop"), ("terminate", "Terminate")])
async def test_argo_stop_and_terminate_on_the_hub_reach_the_cluster(
    argosy: Argosy, argo: Path, command: str, field: str
) -> None:
    name = f"cli-{command}"
    await workflows.create(argosy, workflows.two_steps(name, seconds=5))
    await workflows.in_phase(argosy, name, "Running")
    await run(argo, argosy.fleet.hub.kubeconfig, command, name)
    await workflows.in_phase(argosy, name, "Failed", within=60)
    hub = await workflows.same_as_copy(argosy, name)
    assert field in hub["status"]["message"]
    await workflows.delete(argosy, name)


async def test_argo_suspend_and_resume_on_the_hub_reach_the_cluster(argosy: Argosy, argo: Path) -> None:
    hub = argosy.fleet.hub.kubeconfig
    await workflows.create(argosy, workflows.two_steps("cli-suspend", seconds=3))
    placed = await workflows.in_phase(argosy, "cli-suspend", "Running")
    cluster = argosy.managed[workflows.cluster_of(placed)]
    await run(argo, hub, "suspend", "cli-suspend")
    await workflows.spec_on(cluster, "cli-suspend", suspend=True)
    await run(argo, hub, "resume", "cli-suspend")
    await workflows.spec_on(cluster, "cli-suspend", suspend=None)
    await workflows.in_phase(argosy, "cli-suspend", "Succeeded")
    await workflows.delete(argosy, "cli-suspend")


async def test_argo_retry_on_the_hub_loses_nothing_and_says_where_to_do_it(
    argosy: Argosy, argo: Path
) -> None:
    fails = workflows.hello("cli-retry")
    fails["spec"]["podMetadata"] = {"labels": {"fake.argosy.io/outcome": "fail"}}
    await workflows.create(argosy, fails)
    await workflows.in_phase(argosy, "cli-retry", "Failed")
    before = await workflows.same_as_copy(argosy, "cli-retry")
    await run(argo, argosy.fleet.hub.kubeconfig, "retry", "cli-retry")
    told = await workflows.event(argosy.hub, "cli-retry", "StatusSetBack")
    assert f"argo retry cli-retry -n {NAMESPACE}" in told["message"]
    after = await workflows.same_as_copy(argosy, "cli-retry")
    assert after["status"] == before["status"]
    # There it is carried out, and the hub shows that.
    cluster = argosy.fleet.managed[workflows.cluster_of(after)]
    await run(argo, cluster.kubeconfig, "retry", "cli-retry")

    async def again() -> bool:
        found = await workflows.shown(argosy.hub, "cli-retry")
        return bool(found["status"].get("startedAt") != before["status"]["startedAt"]) or (
            found["status"].get("finishedAt") != before["status"]["finishedAt"]
        )

    await eventually(again, within=60, what="the second run is shown")
    await workflows.same_as_copy(argosy, "cli-retry", within=60)
    await workflows.delete(argosy, "cli-retry")


async def test_argo_resume_of_a_suspend_node_on_the_hub_is_set_back(argosy: Argosy, argo: Path) -> None:
    steps = [[{"name": "wait", "template": "approve"}], [{"name": "go", "template": "task"}]]
    templates: list[workflows.Json] = [
        {"name": "steps", "steps": steps},
        {"name": "approve", "suspend": {}},
        workflows.task("task", 1),
    ]
    await workflows.create(argosy, workflows.body("cli-approve", templates, placement="any-cluster"))
    placed = await workflows.in_phase(argosy, "cli-approve", "Running")

    async def waits() -> bool:
        nodes = (await workflows.shown(argosy.hub, "cli-approve"))["status"].get("nodes") or {}
        return any(node["type"] == "Suspend" and node["phase"] == "Running" for node in nodes.values())

    await eventually(waits, what="the suspend node is shown")
    await run(argo, argosy.fleet.hub.kubeconfig, "resume", "cli-approve")
    told = await workflows.event(argosy.hub, "cli-approve", "StatusSetBack")
    assert f"argo resume cli-approve -n {NAMESPACE}" in told["message"]
    await eventually(waits, what="the hub shows that it waits")
    cluster = argosy.fleet.managed[workflows.cluster_of(placed)]
    await run(argo, cluster.kubeconfig, "resume", "cli-approve")
    await workflows.in_phase(argosy, "cli-approve", "Succeeded")
    await workflows.same_as_copy(argosy, "cli-approve")
    await workflows.delete(argosy, "cli-approve")


async def test_argo_resubmit_on_the_hub_is_a_run_of_its_own(argosy: Argosy, argo: Path) -> None:
    await workflows.create(argosy, workflows.hello("cli-first"))
    await workflows.in_phase(argosy, "cli-first", "Succeeded")
    await workflows.same_as_copy(argosy, "cli-first")
    printed = await run(argo, argosy.fleet.hub.kubeconfig, "resubmit", "cli-first", "-o", "name")
    name = printed.strip().rpartition("/")[2]
    hub = await workflows.in_phase(argosy, name, "Succeeded")
    assert hub["metadata"]["uid"] == hub["metadata"]["annotations"][keys.PLACED_UID_ANNOTATION]
    await workflows.same_as_copy(argosy, name)
    await workflows.delete(argosy, "cli-first", name)
