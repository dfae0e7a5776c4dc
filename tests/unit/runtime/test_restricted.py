"""A controller that may handle a part of the keys only: what it queues, what it lets go, what it catches up on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import msgspec

from controllers.kube.errors import Conflict
from controllers.kube.object import Object
from controllers.runtime.aside import SetAside
from controllers.runtime.cache import Change, Store
from controllers.runtime.controller import Controller
from controllers.runtime.informer import Informer
from controllers.runtime.reconcile import Request, Result
from tests.eventually import eventually


class Told:
    """An informer without a wire: the test puts the objects in."""

    def __init__(self) -> None:
        self.store = Store()
        self.aside = SetAside()
        self._handlers: list[Callable[[Change], None]] = []

    def add_handler(self, handler: Callable[[Change], None]) -> None:
        self._handlers.append(handler)

    def tell(self, *keys: tuple[str, str]) -> None:
        for namespace, name in keys:
            metadata = {
                "namespace": namespace,
                "name": name,
                "resourceVersion": str(self.store.version + 1),
            }
            change = self.store.apply(Object(msgspec.json.encode({"metadata": metadata})))
            assert change is not None
            for handler in self._handlers:
                handler(change)


class Recording:
    """Handles a key as `ending` says, and remembers."""

    def __init__(self, ending: Callable[[Request], Any] = lambda request: None) -> None:
        self.begun: list[Request] = []
        self.ended: list[Request] = []
        self._ending = ending

    async def reconcile(self, request: Request, /) -> Result:
        self.begun.append(request)
        waiting = self._ending(request)
        if waiting is not None:
            await waiting
        self.ended.append(request)
        return Result.done()


class World:
    """A controller, what it watches, and the namespaces that it may work on."""

    def __init__(self, reconciler: Recording) -> None:
        self.owned: set[str] = set()
        self.told = Told()
        self.reconciler = reconciler
        self.controller = Controller("test", reconciler)
        self.controller.watch(cast("Informer", self.told))
        self.controller.restrict(lambda request: request.namespace in self.owned)

    async def gain(self, namespace: str) -> None:
        self.owned.add(namespace)
        await self.controller.resync(lambda request: request.namespace == namespace)

    async def lose(self, namespace: str, grace: float = 5.0) -> None:
        self.owned.discard(namespace)
        await self.controller.drain(lambda request: request.namespace == namespace, grace=grace)


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.controller.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_only_what_it_owns_is_queued() -> None:
    world = World(Recording())
    world.owned = {"ours"}
    world.told.tell(("ours", "a"), ("theirs", "b"))
    async with running(world):
        await eventually(lambda: world.reconciler.ended == [("ours", "a")])


async def test_what_is_queued_when_it_ceases_to_own_it_is_not_handled() -> None:
    world = World(Recording())
    world.owned = {"ours", "lost"}
    world.told.tell(("lost", "a"), ("ours", "b"))
    world.owned = {"ours"}
    async with running(world):
        await eventually(lambda: world.reconciler.ended == [("ours", "b")])


async def test_what_it_gains_is_looked_at_with_all_that_was_missed() -> None:
    world = World(Recording())
    keys = [("gained", f"n{number}") for number in range(1200)]
    async with running(world):
        world.told.tell(*keys, ("theirs", "a"))
        await world.gain("gained")
        await eventually(lambda: len(world.reconciler.ended) == len(keys))
    assert set(world.reconciler.ended) == set(keys)


async def test_a_drain_waits_for_what_is_in_flight_and_drops_the_rest() -> None:
    let_go = asyncio.Event()
    world = World(Recording(lambda request: let_go.wait() if request.namespace == "lost" else None))
    world.owned = {"ours", "lost"}
    async with running(world):
        world.told.tell(("lost", "a"))
        await eventually(lambda: world.reconciler.begun == [("lost", "a")])
        world.told.tell(("lost", "a"))  # wanted again while it runs
        world.controller.queue.add_after(Request("lost", "later"), 0.01)
        losing = asyncio.create_task(world.lose("lost"))
        await asyncio.sleep(0)
        world.told.tell(("lost", "b"), ("ours", "c"))
        await eventually(lambda: ("ours", "c") in world.reconciler.ended)
        assert not losing.done()
        let_go.set()
        await losing
        assert ("lost", "a") in world.reconciler.ended
        assert len(world.controller.queue) == 0
        world.told.tell(("ours", "d"))
        await eventually(lambda: ("ours", "d") in world.reconciler.ended)
    assert world.reconciler.begun == [("lost", "a"), ("ours", "c"), ("ours", "d")]


async def test_a_drain_cancels_what_outlasts_its_grace_and_does_not_return_before_it_has_ended() -> None:
    stopped: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            stopped.append("ended")

    world = World(Recording(lambda request: stubborn()))
    world.owned = {"lost"}
    async with running(world):
        world.told.tell(("lost", "a"))
        await eventually(lambda: world.reconciler.begun)
        await world.lose("lost", grace=0.05)
        assert stopped == ["ended"]


async def test_a_drain_without_any_grace_leaves_no_key_marked_as_running() -> None:
    world = World(Recording())
    world.owned = {"lost"}
    async with running(world):
        world.told.tell(("lost", "a"))
        await world.lose("lost", grace=0)
        await world.gain("lost")
        await eventually(lambda: world.reconciler.ended == [("lost", "a")])


async def test_what_failed_during_a_drain_is_not_repeated() -> None:
    let_go = asyncio.Event()

    async def fails() -> None:
        await let_go.wait()
        raise Conflict("changed", status=409)

    world = World(Recording(lambda request: fails()))
    world.owned = {"lost"}
    async with running(world):
        world.told.tell(("lost", "a"))
        await eventually(lambda: world.reconciler.begun)
        losing = asyncio.create_task(world.lose("lost"))
        await asyncio.sleep(0)
        let_go.set()
        await losing
        assert world.controller.queue.drop(lambda request: True) == 0
