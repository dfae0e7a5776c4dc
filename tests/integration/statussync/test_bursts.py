"""Many changes at once: the hub is written to far less often, and ends at the last one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, Kind
from controllers.hub import WORKFLOWS
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import Patch
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from hack.fleet.provider import Cluster
from manifestwork.build import manifest_work
from statussync.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.statussync.conftest import Delivered


class Counting:
    """A wiring that counts the states of Workflows which the hub went through."""

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def add_to(
        self, manager: Manager, client: Client, informers: Informers, recorder: Recorder
    ) -> Controller:
        informers.of(WORKFLOWS).add_handler(self._look)
        return add_to(manager, client, informers, recorder)

    def _look(self, change: Change) -> None:
        self.states.append(change.object.to_dict().get("status") or {})


class FarAway(Client):
    """A hub to which a write takes a while."""

    async def patch(
        self, kind: Kind, name: str, patch: Patch, *, namespace: str = "", subresource: str = ""
    ) -> Object:
        await asyncio.sleep(0.1)
        return await super().patch(kind, name, patch, namespace=namespace, subresource=subresource)


async def test_two_hundred_changes_end_at_the_last_with_far_fewer_writes(
    hub: Cluster, client: Client, delivered: Delivered
) -> None:
    counting = Counting()
    total = 200
    far_away = await FarAway.connect(hub.kubeconfig)
    async with running(far_away, counting.add_to):
        for number in range(1, total + 1):
            nodes = {f"n{number}": {"phase": "Succeeded"}}
            status = {"phase": "Running", "progress": f"{number}/{total}", "nodes": nodes}
            await delivered.agent.write_result(delivered.work, status)
        await delivered.shows(progress=f"{total}/{total}")
        await eventually(lambda: counting.states[-1].get("progress") == f"{total}/{total}")
    await far_away.close()
    shown = await delivered.status()
    assert set(shown["nodes"]) == {f"n{number}" for number in range(1, total + 1)}
    done = [int(state["progress"].split("/")[0]) for state in counting.states if state]
    assert done == sorted(done)
    assert len(done) < total * 0.8, f"{len(done)} writes for {total} changes"


async def test_feedback_and_results_in_a_burst_end_at_the_final_state(
    client: Client, delivered: Delivered
) -> None:
    counting = Counting()
    final = {
        "phase": "Failed",
        "progress": "60/60",
        "message": "step 7 failed",
        "finishedAt": "2026-01-01T00:00:09Z",
    }

    async def results(agent: PlayedAgent) -> None:
        for number in range(60):
            await agent.write_result(delivered.work, {"phase": "Running", "progress": f"{number}/60"})
        await agent.write_result(delivered.work, final)

    async def feedback(agent: PlayedAgent) -> None:
        for number in range(60):
            await agent.report(delivered.work, phase="Running", progress=f"{number}/60")
        await agent.report(delivered.work, **final)

    async with running(client, counting.add_to):
        await asyncio.gather(results(delivered.agent), feedback(delivered.agent))
        await delivered.shows(**final)
    phases = [state["phase"] for state in counting.states if state]
    assert phases == sorted(phases, key=["Running", "Failed"].index), "it went backwards"


@pytest.mark.usefixtures("syncing")
async def test_reports_that_say_nothing_new_cost_no_write(client: Client, delivered: Delivered) -> None:
    await delivered.agent.report(delivered.work, phase="Running", progress="1/2")
    await delivered.shows(phase="Running")
    before = await client.get(WORKFLOW, "a", namespace=delivered.namespace)
    result = {"phase": "Running", "progress": "1/2"}
    await delivered.agent.write_result(delivered.work, result)
    await delivered.agent.report(delivered.work, phase="Running", progress="0/2")
    await delivered.agent.write_result(delivered.work, {"progress": "2/2"})
    await delivered.shows(progress="2/2")
    after = await client.get(WORKFLOW, "a", namespace=delivered.namespace)
    assert after.metadata.generation == before.metadata.generation + 1, "one write for three reports"


async def test_many_workflows_are_synced_side_by_side(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    names = [f"w{number}" for number in range(20)]
    works = []
    for name in names:
        made = await client.create(WORKFLOW, workflow(name, cluster=clusters[0]), namespace=namespace)
        body = manifest_work(made.to_dict(), made.metadata, clusters[0])
        works.append(await client.create(MANIFEST_WORK, body, namespace=clusters[0]))
    async with running(client, add_to):
        for phase in ("Running", "Succeeded"):
            await asyncio.gather(*(agent.report(work, phase=phase) for work in works))

        async def all_done() -> bool:
            found, _ = await client.list(WORKFLOW, namespace=namespace)
            assert [(item.to_dict().get("status") or {}).get("phase") for item in found] == ["Succeeded"] * 20
            return True

        await eventually(all_done)
