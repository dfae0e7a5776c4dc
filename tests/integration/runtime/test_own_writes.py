"""Reading one's own writes over a cache that lags: never older than what was written, never a ghost."""

from __future__ import annotations

import asyncio

from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.own_writes import OwnWrites
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, Body, config_map
from tests.integration.runtime.informing import config_maps, informing
from tests.integration.tcp_proxy import TcpProxy


def labelled(name: str) -> Body:
    return config_map(name, labels={"test": "yes"})


async def test_a_read_is_never_older_than_the_last_write(client: Client, namespace: str) -> None:
    async with informing(client, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        for number in range(100):
            patch = merge_patch({"data": {"number": str(number)}})
            written = view.record(await client.patch(CONFIG_MAP, "a", patch, namespace=namespace))
            for _ in range(number % 7):  # lets the watch catch up now and then
                await asyncio.sleep(0)
            read = view.get(namespace, "a")
            assert read is not None
            assert read.metadata.resource_version == written.metadata.resource_version


async def test_a_write_is_seen_before_the_cache_hears_of_it(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    async with informing(proxied, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        proxy.refuse()
        written = view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        assert view.get(namespace, "a") is written
        assert witness.informer.store.get(namespace, "a") is None
        proxy.welcome()
        await eventually(lambda: witness.names() == ["a"])
        assert view.get(namespace, "a") is witness.informer.store.get(namespace, "a")


async def test_what_others_write_later_is_seen_too(client: Client, namespace: str) -> None:
    async with informing(client, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        patch = merge_patch({"data": {"by": "others"}})
        theirs = await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)

        def caught_up() -> bool:
            read = view.get(namespace, "a")
            return read is not None and read.metadata.resource_version == theirs.metadata.resource_version

        await eventually(caught_up)


async def test_what_was_removed_before_its_write_was_recorded_is_not_a_ghost(
    client: Client, namespace: str
) -> None:
    """The watch may tell of the removal before the answer to our write has been looked at."""
    async with informing(client, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        written = await client.create(CONFIG_MAP, labelled("a"), namespace=namespace)
        await client.delete(CONFIG_MAP, "a", namespace=namespace)
        await eventually(lambda: witness.of("a") == ["added", "removed"])
        view.record(written)
        assert view.get(namespace, "a") is None


async def test_what_was_removed_while_the_watch_was_away_is_not_a_ghost(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    async with informing(proxied, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        proxy.refuse()
        view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        await client.delete(CONFIG_MAP, "a", namespace=namespace)
        await client.create(CONFIG_MAP, labelled("b"), namespace=namespace)
        proxy.welcome()
        await eventually(lambda: witness.names() == ["b"])
        assert view.get(namespace, "a") is None


async def test_what_leaves_the_selection_by_our_own_write_is_gone(client: Client, namespace: str) -> None:
    async with informing(client, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        patch = merge_patch({"metadata": {"labels": {"test": None}}})
        written = await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
        await eventually(lambda: witness.of("a")[-1] == "removed")
        view.record(written)
        assert view.get(namespace, "a") is None


async def test_a_successor_of_the_same_name_is_not_hidden_by_the_removal_of_its_predecessor(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    await client.create(CONFIG_MAP, labelled("a"), namespace=namespace)
    async with informing(proxied, config_maps(namespace)) as witness:
        view = OwnWrites(witness.informer)
        proxy.refuse()
        await client.delete(CONFIG_MAP, "a", namespace=namespace)
        second = view.record(await client.create(CONFIG_MAP, labelled("a"), namespace=namespace))
        uids: list[str] = []

        def look(_: object) -> None:
            read = view.get(namespace, "a")
            uids.append(read.metadata.uid if read else "")

        witness.informer.add_handler(look)
        proxy.welcome()
        await eventually(lambda: len(witness.told) == 3)
        assert set(uids) == {second.metadata.uid}
