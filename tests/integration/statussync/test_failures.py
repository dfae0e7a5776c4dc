"""A copy that its cluster refuses: the hub's Workflow says so, and takes it back once it works."""

from __future__ import annotations

import pytest

from controllers.api.kinds import MANIFEST_WORK
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from tests.integration.statussync.conftest import Delivered
from tests.integration.told import event, waiting, waits_because, waits_no_more

pytestmark = pytest.mark.usefixtures("syncing")


async def test_a_copy_that_could_not_be_applied_is_reported_with_the_clusters_words(
    client: Client, delivered: Delivered
) -> None:
    words = 'Failed to apply manifest: namespaces "team" not found'
    await delivered.agent.refuse(delivered.work, words)
    text = await waits_because(client, delivered.namespace, "ApplyFailed")
    assert words in text
    assert delivered.agent.cluster in text
    told = await event(client, delivered.namespace, "NotApplied")
    assert (told["type"], told["message"]) == ("Warning", text)
    assert await delivered.status() == {}, "refused is not failed: it may still work"
    await delivered.agent.report(delivered.work, phase="Running")
    await delivered.shows(phase="Running")
    await waits_no_more(client, delivered.namespace)


async def test_the_same_failure_is_told_once(client: Client, delivered: Delivered) -> None:
    await delivered.agent.refuse(delivered.work, "no such namespace")
    await waits_because(client, delivered.namespace, "ApplyFailed")
    for number in range(5):  # an agent that tries again and again changes its work again and again
        again = merge_patch({"metadata": {"annotations": {"attempt": str(number)}}})
        await client.patch(
            MANIFEST_WORK, delivered.work.metadata.name, again, namespace=delivered.agent.cluster
        )
    await delivered.agent.report(delivered.work, phase="Running")
    await waits_no_more(client, delivered.namespace)
    told = await event(client, delivered.namespace, "NotApplied")
    assert told["count"] == 1


async def test_a_work_without_any_report_says_nothing(client: Client, delivered: Delivered) -> None:
    assert await waiting(client, delivered.namespace) == ""
    assert await delivered.status() == {}
