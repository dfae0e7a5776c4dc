"""What the client makes of a real API server's answers: objects, and errors by their meaning."""

from __future__ import annotations

import asyncio

import pytest

from controllers.api.kinds import LEASE, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
)
from controllers.kube.patch import apply_patch, json_patch, merge_patch
from tests.integration.bodies import CONFIG_MAP, config_map, workflow


async def test_an_object_is_created_read_changed_and_deleted(client: Client, namespace: str) -> None:
    created = await client.create(CONFIG_MAP, config_map("a", key="old"), namespace=namespace)
    assert created.key == (namespace, "a")
    changed = await client.patch(CONFIG_MAP, "a", merge_patch({"data": {"key": "new"}}), namespace=namespace)
    assert changed.newer_than(created)
    read = await client.get(CONFIG_MAP, "a", namespace=namespace)
    assert read.to_dict()["data"] == {"key": "new"}
    assert read.metadata.uid == created.metadata.uid
    await client.delete(CONFIG_MAP, "a", namespace=namespace)
    assert await client.find(CONFIG_MAP, "a", namespace=namespace) is None


async def test_what_is_not_there_is_not_found(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound) as caught:
        await client.get(CONFIG_MAP, "missing", namespace=namespace)
    assert caught.value.status == 404
    with pytest.raises(NotFound):
        await client.delete(CONFIG_MAP, "missing", namespace=namespace)
    with pytest.raises(NotFound):
        await client.create(CONFIG_MAP, config_map("a"), namespace=f"{namespace}-nowhere")


async def test_a_name_that_is_taken_already_exists(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)


async def test_a_write_from_an_old_version_conflicts(client: Client, namespace: str) -> None:
    old = await client.create(CONFIG_MAP, config_map("a", key="old"), namespace=namespace)
    await client.patch(CONFIG_MAP, "a", merge_patch({"data": {"key": "new"}}), namespace=namespace)
    guarded = merge_patch({"data": {"key": "late"}}, resource_version=old.metadata.resource_version)
    with pytest.raises(Conflict) as caught:
        await client.patch(CONFIG_MAP, "a", guarded, namespace=namespace)
    assert not isinstance(caught.value, AlreadyExists)
    with pytest.raises(Conflict):
        await client.update(CONFIG_MAP, "a", old.raw, namespace=namespace)
    read = await client.get(CONFIG_MAP, "a", namespace=namespace)
    assert read.to_dict()["data"] == {"key": "new"}


async def test_a_field_that_another_owns_conflicts_unless_forced(client: Client, namespace: str) -> None:
    await client.patch(
        CONFIG_MAP, "a", apply_patch(config_map("a", key="theirs"), field_manager="them"), namespace=namespace
    )
    ours = config_map("a", key="ours")
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAP, "a", apply_patch(ours, field_manager="us"), namespace=namespace)
    forced = apply_patch(ours, field_manager="us", force=True)
    assert (await client.patch(CONFIG_MAP, "a", forced, namespace=namespace)).to_dict()["data"][
        "key"
    ] == "ours"


async def test_deleting_by_uid_spares_an_object_made_anew(client: Client, namespace: str) -> None:
    first = await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    await client.delete(CONFIG_MAP, "a", namespace=namespace)
    second = await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    with pytest.raises(Conflict):
        await client.delete(CONFIG_MAP, "a", namespace=namespace, uid=first.metadata.uid)
    assert (await client.get(CONFIG_MAP, "a", namespace=namespace)).metadata.uid == second.metadata.uid
    await client.delete(CONFIG_MAP, "a", namespace=namespace, uid=second.metadata.uid)
    assert await client.find(CONFIG_MAP, "a", namespace=namespace) is None


async def test_a_broken_rule_of_a_kind_is_invalid_and_says_which(client: Client, namespace: str) -> None:
    lease = {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": -1}}
    with pytest.raises(Invalid, match="leaseDurationSeconds"):
        await client.create(LEASE, lease, namespace=namespace)
    with pytest.raises(Invalid, match="spec"):
        await client.create(
            WORKFLOW,
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"}},
            namespace=namespace,
        )


async def test_a_json_patch_to_something_invalid_stays_invalid(client: Client, namespace: str) -> None:
    await client.create(LEASE, {"metadata": {"name": "a"}, "spec": {}}, namespace=namespace)
    patch = json_patch([{"op": "add", "path": "/spec/leaseDurationSeconds", "value": -1}])
    with pytest.raises(Invalid, match="leaseDurationSeconds"):
        await client.patch(LEASE, "a", patch, namespace=namespace)


async def test_an_unreadable_body_is_a_bad_request(client: Client, namespace: str) -> None:
    with pytest.raises(BadRequest):
        await client.create(CONFIG_MAP, b"{", namespace=namespace)


@pytest.mark.parametrize("size", [1_700_000, 2_500_000, 3_300_000])
async def test_an_object_that_is_too_large_is_refused_for_good(
    client: Client, namespace: str, size: int
) -> None:
    """By etcd (1.5 MiB), by the API server's client of etcd (2 MiB), by the API server (3 MiB)."""
    with pytest.raises(TooLarge):
        await client.create(WORKFLOW, workflow("a", spec={"x": "x" * size}), namespace=namespace)


async def test_a_large_object_passes_both_ways(client: Client, namespace: str) -> None:
    text = "é" * 500_000
    await client.create(WORKFLOW, workflow("a", spec={"x": text}), namespace=namespace)
    read = await client.get(WORKFLOW, "a", namespace=namespace)
    assert read.to_dict()["spec"]["x"] == text


async def test_requests_at_once_do_not_wait_for_watches(client: Client, namespace: str) -> None:
    """Watches hold their connections in a pool of their own."""
    _, version = await client.list(CONFIG_MAP, namespace=namespace)

    async def watch_one(ready: asyncio.Semaphore, release: asyncio.Event) -> None:
        async with client.watch(
            CONFIG_MAP,
            namespace=namespace,
            resource_version=version,
            timeout_seconds=60,
            inactivity_seconds=60,
        ):
            ready.release()
            await release.wait()

    ready, release = asyncio.Semaphore(0), asyncio.Event()
    watches = [asyncio.create_task(watch_one(ready, release)) for _ in range(80)]
    for _ in watches:
        await ready.acquire()
    async with asyncio.timeout(20):
        await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    release.set()
    await asyncio.gather(*watches)
