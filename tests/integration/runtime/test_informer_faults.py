"""An informer when the wire or the server lets it down: nothing is lost, nothing is told twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from controllers.api.kinds import CRD, WORKFLOW, Kind
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.informer import Informer
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Timing
from hack.fleet.provider import Cluster
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map, workflow
from tests.integration.runtime.informing import config_maps, informing
from tests.integration.tcp_proxy import TcpProxy


def labelled(name: str, **data: str) -> dict[str, object]:
    return config_map(name, labels={"test": "yes"}, **data)


def relists(kind: Kind) -> float:
    return REGISTRY.get_sample_value("argosy_informer_relists_total", {"kind": str(kind)}) or 0.0


async def cut_and_wait(proxy: TcpProxy) -> None:
    seen = proxy.accepted
    proxy.cut()
    await eventually(lambda: proxy.accepted > seen, what="reconnected")


class Forgetful(Client):
    """Its next watch after `lapse` was set comes when that has been done, and asks for a version long forgotten."""

    lapse: Callable[[], Awaitable[None]] | None = None

    @contextlib.asynccontextmanager
    async def watch(
        self, kind: Kind, *, resource_version: str, **rest: Any
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.lapse is not None:
            lapse, self.lapse = self.lapse, None
            await lapse()
            resource_version = "1"
        async with super().watch(kind, resource_version=resource_version, **rest) as lines:
            yield lines


@pytest.fixture
async def forgetful(hub: Cluster) -> AsyncIterator[Forgetful]:
    connected = await Forgetful.connect(hub.kubeconfig)
    assert isinstance(connected, Forgetful)
    yield connected
    await connected.close()


async def test_a_connection_that_breaks_again_and_again_loses_nothing(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    before = relists(CONFIG_MAP)
    async with informing(proxied, config_maps(namespace)) as witness:
        names = [f"n{number:02}" for number in range(40)]
        for number, name in enumerate(names):
            await client.create(CONFIG_MAP, labelled(name), namespace=namespace)
            if number % 8 == 4:
                await cut_and_wait(proxy)
        await eventually(lambda: witness.names() == names)
        assert [told[:2] for told in witness.told] == [("added", name) for name in names]
    assert relists(CONFIG_MAP) - before == 1, "a broken connection is no reason to list again"


async def test_changes_made_while_the_server_is_away_are_told_when_it_is_back(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    await client.create(CONFIG_MAP, labelled("goes"), namespace=namespace)
    await client.create(CONFIG_MAP, labelled("changes"), namespace=namespace)
    async with informing(proxied, config_maps(namespace)) as witness:
        proxy.refuse()
        seen = proxy.accepted
        await client.delete(CONFIG_MAP, "goes", namespace=namespace)
        await client.patch(CONFIG_MAP, "changes", merge_patch({"data": {"a": "b"}}), namespace=namespace)
        await client.create(CONFIG_MAP, labelled("comes"), namespace=namespace)
        await eventually(lambda: proxy.accepted >= seen + 2, what="tried twice in vain")
        proxy.welcome()
        await eventually(lambda: len(witness.told) == 5)
        assert [told[:2] for told in witness.told[2:]] == [
            ("removed", "goes"),
            ("changed", "changes"),
            ("added", "comes"),
        ]


async def test_a_peer_that_falls_silent_is_left_for_another(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    timing = Timing(inactivity=1.0)
    async with informing(proxied, config_maps(namespace), timing=timing) as witness:
        await client.create(CONFIG_MAP, labelled("a"), namespace=namespace)
        await eventually(lambda: witness.names() == ["a"])
        proxy.freeze()
        await client.create(CONFIG_MAP, labelled("b"), namespace=namespace)
        await eventually(lambda: witness.names() == ["a", "b"], within=15)


async def test_a_version_that_the_server_has_forgotten_leads_to_a_new_list_and_its_exact_difference(
    forgetful: Forgetful, client: Client, namespace: str
) -> None:
    for name in ("goes", "changes", "stays"):
        await client.create(WORKFLOW, workflow(name), namespace=namespace)

    async def meanwhile() -> None:
        await client.delete(WORKFLOW, "goes", namespace=namespace)
        await client.patch(WORKFLOW, "changes", merge_patch({"spec": {"a": "b"}}), namespace=namespace)
        await client.create(WORKFLOW, workflow("comes"), namespace=namespace)

    forgetful.lapse = meanwhile
    before = relists(WORKFLOW)
    async with informing(forgetful, Scope(WORKFLOW, namespace=namespace)) as witness:
        await eventually(lambda: len(witness.told) == 6)
        assert relists(WORKFLOW) - before == 2
        assert sorted(told[:2] for told in witness.told[3:]) == [
            ("added", "comes"),
            ("changed", "changes"),
            ("removed", "goes"),
        ]
        await client.create(WORKFLOW, workflow("later"), namespace=namespace)
        await eventually(lambda: witness.names() == ["changes", "comes", "later", "stays"])


async def test_a_kind_that_is_served_later_is_found_then(client: Client, namespace: str) -> None:
    group = f"{namespace}.example.com"
    kind = Kind(group, "v1", "Late", "lates")
    informer = Informer(client, Scope(kind, namespace=namespace))
    definition = {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": f"lates.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "lates", "singular": "late", "kind": "Late", "listKind": "LateList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    async with running(informer):
        await client.create(CRD, definition)
        await eventually(lambda: informer.has_synced, within=40)
    await client.delete(CRD, f"lates.{group}")


@contextlib.asynccontextmanager
async def running(informer: Informer) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    try:
        await asyncio.sleep(0)
        assert not informer.has_synced
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
