"""Events on a real server: counted up, remembered over a restart, never in the way."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from controllers.api.kinds import EVENT, MANAGED_CLUSTER, WORKFLOW
from controllers.kube.client import Client
from controllers.runtime.events import Recorder
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map, managed_cluster, workflow
from tests.integration.tcp_proxy import TcpProxy


@contextlib.asynccontextmanager
async def recording(client: Client, *, flush: float = 20) -> AsyncIterator[Recorder]:
    """A recorder as a process has it, from its start to its end; at the end it has `flush` seconds."""
    recorder = Recorder(client, "argosy-test")
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
        await recorder.flush(timeout=flush)
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def events(client: Client, namespace: str) -> list[dict[str, Any]]:
    found, _ = await client.list(EVENT, namespace=namespace)
    return [item.to_dict() for item in found]


async def test_an_event_says_what_happened_to_which_object(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    async with recording(client) as recorder:
        recorder.warning(found, "Tested", "it was tested")
    (event,) = await events(client, namespace)
    assert event["involvedObject"] == {
        "apiVersion": WORKFLOW.api_version,
        "kind": "Workflow",
        "namespace": namespace,
        "name": "a",
        "uid": found.metadata.uid,
    }
    assert (event["type"], event["reason"], event["message"], event["count"]) == (
        "Warning",
        "Tested",
        "it was tested",
        1,
    )
    assert event["source"] == {"component": "argosy-test"}


async def test_the_same_event_is_counted_up_also_over_a_restart(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    for _ in range(2):
        async with recording(client) as recorder:
            for _ in range(3):
                recorder.normal(found, "Tested", "again")
    (event,) = await events(client, namespace)
    assert event["count"] == 6
    assert event["firstTimestamp"] <= event["lastTimestamp"]


async def test_of_a_state_one_event_is_told_whoever_finds_it(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    for _ in range(2):
        async with recording(client) as recorder:
            for _ in range(3):
                recorder.warning_once(found, "Tested", "it is so")
    (event,) = await events(client, namespace)
    assert (event["type"], event["count"]) == ("Warning", 1)


async def test_an_event_that_expired_meanwhile_starts_anew(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    async with recording(client) as recorder:
        recorder.normal(found, "Tested", "again")
        await recorder.flush(timeout=20)
        (event,) = await events(client, namespace)
        await client.delete(EVENT, event["metadata"]["name"], namespace=namespace)
        recorder.normal(found, "Tested", "again")
    (event,) = await events(client, namespace)
    assert event["count"] == 1


async def test_different_messages_are_different_events(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    async with recording(client) as recorder:
        for message in ("one", "two"):
            recorder.normal(found, "Tested", message)
    assert sorted(event["message"] for event in await events(client, namespace)) == ["one", "two"]


async def test_a_successor_of_the_same_name_has_events_of_its_own(client: Client, namespace: str) -> None:
    async with recording(client) as recorder:
        for _ in range(2):
            found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
            recorder.normal(found, "Tested", "again")
            await client.delete(WORKFLOW, "a", namespace=namespace)
    assert [event["count"] for event in await events(client, namespace)] == [1, 1]


@pytest.mark.parametrize(
    "name", ["a" * 253, "a" * 199 + "-" + "b" * 20, "a" * 199 + "." + "b" * 20, "a" * 198 + "-.b"], ids=len
)
async def test_a_long_name_is_no_obstacle(client: Client, namespace: str, name: str) -> None:
    name = name.replace("-.", ".")
    found = await client.create(WORKFLOW, workflow(name), namespace=namespace)
    async with recording(client) as recorder:
        recorder.warning(found, "NotDispatched", "the name is too long")
    (event,) = await events(client, namespace)
    assert event["involvedObject"]["name"] == name


async def test_a_message_of_any_length_is_cut_to_what_the_server_takes(
    client: Client, namespace: str
) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    async with recording(client) as recorder:
        recorder.normal(found, "Tested", "ä" * 5000)
    (event,) = await events(client, namespace)
    assert event["message"].startswith("ää")
    assert event["message"].endswith("…")


async def test_events_of_a_cluster_scoped_object_are_in_default(client: Client, namespace: str) -> None:
    found = await client.create(MANAGED_CLUSTER, managed_cluster(namespace))
    async with recording(client) as recorder:
        recorder.normal(found, "Tested", "it was tested")
    there, _ = await client.list(
        EVENT, namespace="default", field_selector=f"involvedObject.name={namespace}"
    )
    assert len(there) == 1
    await client.delete(MANAGED_CLUSTER, namespace)


async def test_recording_never_waits_for_the_server(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    dropped = {"cause": "queue full"}
    before = REGISTRY.get_sample_value("argosy_events_dropped_total", dropped) or 0.0
    proxy.refuse()
    async with recording(proxied, flush=0.05) as recorder:
        started = time.monotonic()
        for number in range(12_000):
            recorder.normal(found, "Tested", f"number {number}")
        assert time.monotonic() - started < 5
        after = REGISTRY.get_sample_value("argosy_events_dropped_total", dropped) or 0.0
        assert after - before == 2_000


async def test_an_event_that_cannot_be_written_does_not_keep_back_the_next(
    client: Client, namespace: str
) -> None:
    gone = await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    raw = gone.raw.replace(f'"namespace":"{namespace}"'.encode(), b'"namespace":"no-such-namespace"')
    nowhere = type(gone)(raw)
    assert nowhere.metadata.namespace == "no-such-namespace"
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    async with recording(client) as recorder:
        recorder.normal(nowhere, "Tested", "lost")
        recorder.normal(found, "Tested", "written")

    async def written() -> list[dict[str, Any]]:
        return await events(client, namespace)

    (event,) = await eventually(written)
    assert event["message"] == "written"
