"""Workflows that have finished are let go of by the caches, and still looked after when it matters."""

from __future__ import annotations

from controllers import hub_informers
from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from manifestwork.wiring import add_to as add_manifestwork
from statussync.wiring import add_to as add_statussync
from tests.eventually import eventually
from tests.integration.running import running
from tests.integration.statussync.conftest import Delivered
from tests.integration.statussync.test_status import RUNNING, SUCCEEDED, feedback_of

FAILED = {**SUCCEEDED, "phase": "Failed", "message": "a pod was lost", "nodes": {"a": {"phase": "Failed"}}}


class Seen:
    """What the caches of the running controllers hold of the one Workflow of a test."""

    def __init__(self, delivered: Delivered) -> None:
        self._delivered = delivered
        self._informers: Informers | None = None

    def add_to(
        self, manager: Manager, client: Client, informers: Informers, recorder: Recorder
    ) -> Controller:
        """The wiring of statussync, listened in on."""
        self._informers = informers
        return add_statussync(manager, client, informers, recorder)

    def held(self) -> list[bool]:
        """Whether the Workflow, its ManifestWork and its result are there in full."""
        assert self._informers is not None
        workflow = hub_informers.workflows(self._informers).store.get(self._delivered.namespace, "a")
        work = self._delivered.work.key
        return [
            workflow is not None,
            hub_informers.works(self._informers).store.get(*work) is not None,
            hub_informers.results(self._informers).store.get(*work) is not None,
        ]

    def remembers(self) -> bool:
        """Whether the uid of the result is known, and no more of it."""
        assert self._informers is not None
        results = hub_informers.results(self._informers).store
        return results.settled_uid(*self._delivered.work.key) is not None

    async def become(self, *expected: bool) -> None:
        def so() -> bool:
            return self.held() == list(expected)

        await eventually(so, what=f"caches hold {expected}")


async def test_a_finished_workflow_leaves_the_caches_and_is_cleaned_up_later(
    client: Client, delivered: Delivered
) -> None:
    seen = Seen(delivered)
    await delivered.agent.claim(delivered.work)
    async with running(client, seen.add_to, add_manifestwork):
        await delivered.agent.write_result(delivered.work, RUNNING)
        await delivered.shows(phase="Running")
        await seen.become(True, True, True)
        await delivered.agent.write_result(delivered.work, SUCCEEDED)
        await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED))
        await seen.become(False, False, False)
        await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED), message="a late word")
    assert (await delivered.status())["nodes"] == SUCCEEDED["nodes"]
    again = Seen(delivered)
    async with running(client, again.add_to, add_manifestwork):
        assert again.held() == [False, False, False]
        await _delete(client, delivered)


async def _delete(client: Client, delivered: Delivered) -> None:
    finalizer = merge_patch({"metadata": {"finalizers": [keys.CLEANUP_FINALIZER]}})
    await client.patch(WORKFLOW, "a", finalizer, namespace=delivered.namespace)
    await client.delete(WORKFLOW, "a", namespace=delivered.namespace)
    work = delivered.work.metadata

    async def is_going() -> bool:
        found = await client.get(MANIFEST_WORK, work.name, namespace=work.namespace)
        return found.metadata.deletion_timestamp is not None

    await eventually(is_going, what="ManifestWork being deleted")
    await delivered.agent.let_go(delivered.work)

    async def is_gone() -> bool:
        return await client.find(WORKFLOW, "a", namespace=delivered.namespace) is None

    await eventually(is_gone, what="the Workflow gone")


async def test_an_end_known_from_feedback_alone_still_waits_for_the_full_status(
    client: Client, delivered: Delivered
) -> None:
    """With OCM's agent and its status add-on the full status comes last, and names no Workflow."""
    seen = Seen(delivered)
    async with running(client, seen.add_to):
        await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED))
        await delivered.shows(phase="Succeeded")
        await seen.become(True, True, False)
    async with running(client, seen.add_to):
        await delivered.agent.write_result(delivered.work, SUCCEEDED, annotated=False)
        await delivered.shows(nodes=SUCCEEDED["nodes"])
        await seen.become(False, False, False)


async def test_a_result_of_nobody_is_not_kept_until_its_work_is_there(
    client: Client, delivered: Delivered
) -> None:
    """Agents may write any number of them."""
    seen, work = Seen(delivered), delivered.work
    await client.delete(MANIFEST_WORK, work.metadata.name, namespace=work.metadata.namespace)
    await delivered.agent.write_result(work, RUNNING | {"message": "x" * 1_000_000})
    for starts in (True, False):
        async with running(client, seen.add_to):
            await seen.become(True, False, False)
            assert seen.remembers(), "its uid is known"
            if starts:
                await delivered.agent.write_result(work, {"message": "y" * 1_000_000})
                continue  # and the same when it is there at the start
            body = work.to_dict()
            body["metadata"] = {
                key: body["metadata"][key] for key in ("name", "namespace", "labels", "annotations")
            }
            await client.create(MANIFEST_WORK, body, namespace=work.metadata.namespace)
            await seen.become(True, True, True)
            await delivered.shows(phase="Running", message="y" * 1_000_000)


async def test_a_run_that_is_retried_on_its_cluster_may_end_otherwise(
    client: Client, delivered: Delivered
) -> None:
    seen = Seen(delivered)
    async with running(client, seen.add_to):
        await delivered.agent.write_result(delivered.work, FAILED)
        await delivered.shows(phase="Failed")
        await seen.become(False, False, False)
        await delivered.agent.write_result(delivered.work, SUCCEEDED | {"message": None})
        await delivered.shows(phase="Succeeded", nodes=SUCCEEDED["nodes"])
