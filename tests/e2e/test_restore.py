"""The hub's etcd is restored from a backup: nothing that ran runs again, and nothing that runs is removed.

A hub with an etcd of its own, and a managed cluster with the real Argo. The backup is a copy of etcd's data, taken
and put back while it is stopped; whatever else runs, goes on.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from agent.decide.naming import applied_work_name, hub_hash
from agent.work.held import REASON
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    EVENT,
    MANIFEST_WORK,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
)
from controllers.kube.errors import Unavailable
from hack.fleet.local import LocalFleet, LocalProvider
from hack.fleet.supervisor import stop_all
from tests.e2e import workflows
from tests.e2e.conftest import Argosy, installed
from tests.e2e.runs import watching
from tests.eventually import eventually

CLUSTER = "cluster1"
_STORED = ("hub/apiserver", "etcd")


class Hub:
    """A hub that can be put back to what it was."""

    def __init__(self, fleet: LocalFleet, backup: Path) -> None:
        self._fleet = fleet
        self._backup = backup

    def back_up(self) -> None:
        self._stop()
        shutil.copytree(self._fleet.layout.etcd, self._backup)
        self._start()

    def restore(self) -> None:
        self._stop()
        shutil.rmtree(self._fleet.layout.etcd)
        shutil.copytree(self._backup, self._fleet.layout.etcd)
        self._start()

    def _stop(self) -> None:
        stop_all([self._fleet.supervisor.find(title) for title in _STORED])

    def _start(self) -> None:
        for title in reversed(_STORED):
            self._fleet.supervisor.launch(self._fleet.supervisor.find(title).part)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    with LocalProvider().start(tmp_path_factory.mktemp("hub"), [], argo=False) as started:
        yield started


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    """For its managed cluster; its own hub is not used."""
    with LocalProvider().start(tmp_path_factory.mktemp("managed"), [CLUSTER], argo=True) as started:
        yield started


@pytest.fixture(scope="module")
async def argosy(
    hub: LocalFleet, fleet: LocalFleet, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Argosy]:
    async with installed(fleet, hub.hub.kubeconfig, tmp_path_factory.mktemp("argosy")) as world:
        yield world


async def reachable(argosy: Argosy) -> None:
    """Waits until the hub answers: the first requests meet connections that have died with the server."""

    async def probe() -> bool:
        try:
            await argosy.hub.request("GET", "/readyz")
        except Unavailable:
            return False
        return True

    await eventually(probe, what="the hub answers")


async def ended_on_the_cluster(argosy: Argosy, name: str) -> None:
    async def probe() -> bool:
        phase = workflows.phase_of(await workflows.shown(argosy.managed[CLUSTER], name))
        assert phase == "Succeeded", phase
        return True

    await eventually(probe, within=90, what=f"{name} ended on its cluster")


async def in_phase(argosy: Argosy, names: list[str], phase: str) -> None:
    for name in names:
        await workflows.in_phase(argosy, name, phase)


async def create(argosy: Argosy, name: str, *, seconds: float, **spec: object) -> str:
    body = workflows.hello(name, placement="only-cluster1", seconds=seconds, **spec)
    return str((await workflows.create(argosy, body))["metadata"]["uid"])


async def test_a_hub_restored_from_a_backup_learns_what_became_of_its_workflows(
    argosy: Argosy, hub: LocalFleet, tmp_path: Path
) -> None:
    store = Hub(hub, tmp_path / "backup")
    cluster = argosy.managed[CLUSTER]
    # Workflows by what becomes of them after the backup.
    at_once = {"ttlStrategy": {"secondsAfterCompletion": 0}}
    async with watching(argosy.managed) as runs:
        await create(argosy, "ended", seconds=0.5)
        await workflows.in_phase(argosy, "ended", "Succeeded")
        await create(argosy, "removed-by-ttl", seconds=15, **at_once)
        await create(argosy, "deleted-after-end", seconds=15)
        await create(argosy, "deleted-while-running", seconds=600)
        await create(argosy, "still-running", seconds=60)
        running = ["removed-by-ttl", "deleted-after-end", "deleted-while-running", "still-running"]
        await in_phase(argosy, running, "Running")
        await asyncio.to_thread(store.back_up)
        await reachable(argosy)

        await in_phase(argosy, ["removed-by-ttl", "deleted-after-end"], "Succeeded")
        await workflows.gone(cluster, "removed-by-ttl")
        await workflows.delete(argosy, "deleted-after-end", "deleted-while-running")
        uid = await create(argosy, "created-after", seconds=45)
        await in_phase(argosy, ["created-after"], "Running")

        await asyncio.to_thread(store.restore)
        await reachable(argosy)
        # What a Deployment does: the controllers end, and are started anew.
        await eventually(lambda: not argosy.controllers.running, what="the controllers have found out")
        assert "went back to an earlier state" in argosy.controllers.log.read_text()
        await argosy.controllers.start()
        assert await argosy.hub.find(WORKFLOW, "created-after", namespace=workflows.NAMESPACE) is None
        for name, phase in (("deleted-after-end", "Succeeded"), ("deleted-while-running", "Error")):
            told = await workflows.in_phase(argosy, name, phase)
            assert "ran on this cluster before" in told["status"]["message"], told["status"]
        told = await workflows.in_phase(argosy, "removed-by-ttl", "Succeeded")
        # The agent that has told the end before may tell it again whole, as it still knows it.
        assert "ran on this cluster before" in told["status"].get("message", "") or told["status"]["nodes"]
        assert told["status"]["finishedAt"]
        await result_is(argosy, "removed-by-ttl", told["metadata"]["uid"], "Succeeded")
        await workflows.in_phase(argosy, "still-running", "Succeeded", within=120)
        await ended_on_the_cluster(argosy, "created-after")
        await create(argosy, "afterwards", seconds=0.5)
        await workflows.in_phase(argosy, "afterwards", "Succeeded")
        assert {
            name: len(runs.of(name)) for name in [*running, "ended", "created-after", "afterwards"]
        } == dict.fromkeys([*running, "ended", "created-after", "afterwards"], 1)

    work = f"created-after-{uid[:5]}"
    assert await argosy.hub.find(MANIFEST_WORK, work, namespace=CLUSTER) is None
    trace = applied_work_name(hub_hash(argosy.hub.host), work)
    assert await cluster.find(APPLIED_MANIFEST_WORK, trace) is not None
    await eventually(partial(is_told, argosy, work), what="an Event about the work that is held")
    # By hand it goes, as the Event says.
    await cluster.delete(APPLIED_MANIFEST_WORK, trace)
    await workflows.gone(cluster, "created-after")


async def result_is(argosy: Argosy, name: str, uid: str, phase: str) -> None:
    """Waits until the full status that the agent keeps on the hub has this phase."""

    async def probe() -> bool:
        found = await argosy.hub.get(WORKFLOW_STATUS_RESULT, f"{name}-{uid[:5]}", namespace=CLUSTER)
        assert found.to_dict()["workflowStatus"]["phase"] == phase
        return True

    await eventually(probe, what=f"status result of {name}")


async def is_told(argosy: Argosy, work: str) -> bool:
    found, _ = await argosy.hub.list(EVENT, namespace=CLUSTER, field_selector=f"reason={REASON}")
    return any(work in item.to_dict()["message"] for item in found)
