"""An object that never stays as its manifest says: written less and less often, and it is told who disagrees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from agent.decide.repairs import FREE
from controllers.api.kinds import Kind
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.mortal import gated
from tests.integration.agent.works import CONFIG_MAP, config_map


class Writes:
    """How often an agent has written one object."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def note(self, method: str, path: str) -> None:
        self.paths.append(path)

    def of(self, kind: Kind, namespace: str) -> int:
        path = kind.path(namespace)
        return sum(1 for item in self.paths if item in (path, f"{path}/x"))


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
async def agent(pair: Pair, writes: Writes) -> AsyncIterator[Agent]:
    async with running(pair, client=gated(writes.note)) as item:
        yield item


async def stops(writes: Writes, kind: Kind, namespace: str, *, within: float = 30) -> int:
    """How often it was written until it was not written any more for 3 s."""

    async def probe() -> bool:
        before = writes.of(kind, namespace)
        await asyncio.sleep(3)
        return writes.of(kind, namespace) == before

    await eventually(probe, within=within, what="rest")
    return writes.of(kind, namespace)


async def test_two_works_that_want_it_otherwise_are_named_and_slow_down(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    one, two = f"{namespace}-a", f"{namespace}-b"
    await works.create(pair, one, config_map("x", namespace, a="1"))
    await works.condition(pair, one, "Applied", "True")
    await works.create(pair, two, config_map("x", namespace, a="2"))
    for name, other in ((one, two), (two, one)):
        text = await works.condition(pair, name, "Applied", "False", ordinal=0)
        assert f"ManifestWork {other} has the same object with another .data.a" in text
        assert text.startswith("ObjectDisputed: Failed to apply manifest: ConfigMap")
    assert await stops(writes, CONFIG_MAP, namespace) <= 2 * (FREE + 5)
    await works.delete(pair, two)
    await works.there(pair, CONFIG_MAP, "x", namespace, data={"a": "1"})
    await works.condition(pair, one, "Applied", "True", ordinal=0)
    await works.delete(pair, one)


async def test_somebody_who_changes_it_back_each_time_is_named(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    await works.create(pair, namespace, config_map("x", namespace, a="1"))
    await works.condition(pair, namespace, "Applied", "True")
    theirs = merge_patch({"data": {"a": "theirs"}}, field_manager="some-operator")

    async def insist() -> None:
        scope = Scope(CONFIG_MAP, namespace=namespace, field_selector="metadata.name=x")
        async with aclosing(watch(pair.managed, scope)) as events:
            await anext(events)
            await pair.managed.patch(CONFIG_MAP, "x", theirs, namespace=namespace)
            async for event in events:
                if isinstance(event, Applied) and event.object.to_dict()["data"]["a"] != "theirs":
                    await pair.managed.patch(CONFIG_MAP, "x", theirs, namespace=namespace)

    operator = asyncio.create_task(insist())
    try:
        text = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
        assert "some-operator (so its managedFields say) changes .data.a" in text
        assert await stops(writes, CONFIG_MAP, namespace) <= FREE + 6
    finally:
        operator.cancel()
        await asyncio.gather(operator, return_exceptions=True)
    await works.delete(pair, namespace)


async def test_an_object_that_is_deleted_each_time_is_made_less_and_less_often(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    await works.create(pair, namespace, config_map("x", namespace, a="1"))
    await works.condition(pair, namespace, "Applied", "True")

    async def collect() -> None:
        while True:
            try:
                await pair.managed.delete(CONFIG_MAP, "x", namespace=namespace)
            except NotFound:
                await asyncio.sleep(0.01)

    collector = asyncio.create_task(collect())
    try:
        text = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
        assert "something on the cluster deletes it each time that it is made" in text
        assert await stops(writes, CONFIG_MAP, namespace) <= FREE + 6
    finally:
        collector.cancel()
        await asyncio.gather(collector, return_exceptions=True)
    await works.delete(pair, namespace)


async def test_works_that_agree_share_an_object_in_peace(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    one, two = f"{namespace}-a", f"{namespace}-b"
    await works.create(pair, one, config_map("x", namespace, a="1", b="1"))
    await works.condition(pair, one, "Applied", "True")
    await works.create(pair, two, config_map("x", namespace, c="1", b="1"))
    await works.condition(pair, two, "Applied", "True")
    await works.there(pair, CONFIG_MAP, "x", namespace, data={"a": "1", "b": "1", "c": "1"})
    await works.change(pair, one, config_map("x", namespace, d="1"))
    # What one of them has taken away stays for the other.
    await works.there(pair, CONFIG_MAP, "x", namespace, data={"b": "1", "c": "1", "d": "1"})
    await works.condition(pair, one, "Applied", "True")
    await works.condition(pair, two, "Applied", "True")
    assert writes.of(CONFIG_MAP, namespace) == 3
    await works.delete(pair, one)
    await works.delete(pair, two)
