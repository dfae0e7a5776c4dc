"""Finalizer patches on a real server: they change the list that was read, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.kube.client import Client
from controllers.kube.errors import Conflict, Invalid, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_patch
from tests.integration.bodies import CONFIG_MAP, config_map

OURS = "example.com/ours"
THEIRS = "example.com/theirs"


async def create(client: Client, namespace: str, finalizers: list[str] | None) -> Object:
    body = config_map("a")
    if finalizers is not None:
        body["metadata"]["finalizers"] = finalizers
    return await client.create(CONFIG_MAP, body, namespace=namespace)


async def finalizers_of(client: Client, namespace: str) -> list[str]:
    return (await client.get(CONFIG_MAP, "a", namespace=namespace)).metadata.finalizers


@pytest.mark.parametrize("present", [None, [], [THEIRS]])
async def test_a_finalizer_is_added_to_the_list_that_was_read(
    client: Client, namespace: str, present: list[str] | None
) -> None:
    found = await create(client, namespace, present)
    patch = finalizer_patch(present or [], [*(present or []), OURS], uid=found.metadata.uid)
    patched = await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
    assert patched.metadata.finalizers == [*(present or []), OURS]
    await release(client, namespace)


@pytest.mark.parametrize(
    ("read", "meanwhile"),
    [
        pytest.param([], [THEIRS], id="a list appeared"),
        pytest.param([THEIRS], [], id="the list went"),
        pytest.param([THEIRS], [THEIRS, "example.com/third"], id="the list grew"),
    ],
)
async def test_a_list_that_changed_meanwhile_is_left_alone(
    client: Client, namespace: str, read: list[str], meanwhile: list[str]
) -> None:
    found = await create(client, namespace, read)
    change: dict[str, Any] = {"metadata": {"finalizers": meanwhile}}
    await client.patch(CONFIG_MAP, "a", merge_patch(change), namespace=namespace)
    patch = finalizer_patch(read, [*read, OURS], uid=found.metadata.uid)
    with pytest.raises(Conflict) as caught:
        await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
    assert caught.value.status == 422
    assert await finalizers_of(client, namespace) == meanwhile
    await release(client, namespace)


async def test_the_last_finalizer_lets_a_deleted_object_go(client: Client, namespace: str) -> None:
    found = await create(client, namespace, [OURS])
    await client.delete(CONFIG_MAP, "a", namespace=namespace)
    assert (await client.get(CONFIG_MAP, "a", namespace=namespace)).metadata.deletion_timestamp
    patch = finalizer_patch([OURS], [], uid=found.metadata.uid)
    await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
    assert await client.find(CONFIG_MAP, "a", namespace=namespace) is None
    with pytest.raises(NotFound):
        await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)


async def test_an_object_made_anew_under_the_name_is_left_alone(client: Client, namespace: str) -> None:
    first = await create(client, namespace, None)
    await client.delete(CONFIG_MAP, "a", namespace=namespace)
    await create(client, namespace, None)
    patch = finalizer_patch([], [OURS], uid=first.metadata.uid)
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
    assert await finalizers_of(client, namespace) == []


async def test_a_finalizer_that_comes_too_late_is_refused(client: Client, namespace: str) -> None:
    """The server takes no new finalizers for an object that is being deleted; reading anew is of no use then."""
    found = await create(client, namespace, [THEIRS])
    await client.delete(CONFIG_MAP, "a", namespace=namespace)
    patch = finalizer_patch([THEIRS], [THEIRS, OURS], uid=found.metadata.uid)
    with pytest.raises(Invalid, match=r"metadata\.finalizers"):
        await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
    assert await finalizers_of(client, namespace) == [THEIRS]
    await release(client, namespace)


async def release(client: Client, namespace: str) -> None:
    await client.patch(CONFIG_MAP, "a", merge_patch({"metadata": {"finalizers": None}}), namespace=namespace)
