"""Lists: every page, and label selectors as written."""

from __future__ import annotations

import asyncio

import pytest

from controllers.kube.client import Client
from controllers.kube.errors import BadRequest
from tests.integration.bodies import CONFIG_MAP, config_map


async def create_many(client: Client, namespace: str, names: list[str]) -> None:
    slots = asyncio.Semaphore(32)

    async def create(name: str) -> None:
        async with slots:
            await client.create(CONFIG_MAP, config_map(name, labels={"many": "yes"}), namespace=namespace)

    await asyncio.gather(*map(create, names))


async def test_a_list_of_several_pages_is_complete_and_of_one_version(client: Client, namespace: str) -> None:
    names = [f"many-{number:04}" for number in range(520)]
    await create_many(client, namespace, names)
    found, version = await client.list(CONFIG_MAP, namespace=namespace, label_selector="many=yes")
    assert [item.metadata.name for item in found] == names
    assert int(version) >= max(int(item.metadata.resource_version) for item in found)


async def test_a_list_of_nothing_has_a_version_to_watch_from(client: Client, namespace: str) -> None:
    found, version = await client.list(CONFIG_MAP, namespace=namespace, label_selector="many=yes")
    assert found == []
    assert int(version) > 0


async def test_a_list_without_namespace_covers_all(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAP, config_map("a", labels={"in": namespace}), namespace=namespace)
    await client.create(CONFIG_MAP, config_map(namespace, labels={"in": namespace}), namespace="default")
    found, _ = await client.list(CONFIG_MAP, label_selector=f"in={namespace}")
    assert {item.key for item in found} == {(namespace, "a"), ("default", namespace)}
    await client.delete(CONFIG_MAP, namespace, namespace="default")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("example.com/is-odd_key.x=a.b_C-d", ["odd"]),
        ("example.com/is-odd_key.x", ["empty", "odd"]),
        ("!example.com/is-odd_key.x,plain", ["plain"]),
        ("plain in (yes, no),plain!=no", ["plain"]),
        ("plain notin (yes)", ["empty", "odd"]),
        ("example.com/is-odd_key.x=", ["empty"]),
    ],
)
async def test_a_label_selector_reaches_the_server_as_written(
    client: Client, namespace: str, selector: str, expected: list[str]
) -> None:
    odd = "example.com/is-odd_key.x"
    bodies = [
        config_map("odd", labels={odd: "a.b_C-d"}),
        config_map("empty", labels={odd: ""}),
        config_map("plain", labels={"plain": "yes"}),
    ]
    for body in bodies:
        await client.create(CONFIG_MAP, body, namespace=namespace)
    found, _ = await client.list(CONFIG_MAP, namespace=namespace, label_selector=selector)
    # The controller manager puts its own ConfigMap into each namespace, sooner or later.
    names = {item.metadata.name for item in found} - {"kube-root-ca.crt"}
    assert names == set(expected)


async def test_a_selector_that_cannot_be_read_is_refused(client: Client, namespace: str) -> None:
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAP, namespace=namespace, label_selector="a=b=c&limit=1")


async def test_a_field_selector_finds_one_object(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        await client.create(CONFIG_MAP, config_map(name), namespace=namespace)
    found, _ = await client.list(CONFIG_MAP, namespace=namespace, field_selector="metadata.name=b")
    assert [item.metadata.name for item in found] == ["b"]
