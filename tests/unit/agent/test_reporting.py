"""When the hub is told what is free: against a hub that is only a status, and a clock that a test moves."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from agent.decide.capacity import Amounts, Claimed
from agent.registration import RegistrationReconciler
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import Patch
from controllers.runtime.cache import Store
from controllers.runtime.informer import Informer
from controllers.runtime.reconcile import Request, Result

REQUEST = Request("", "c1")
CPU = "free.argosy.io/cpu"

Json = dict[str, Any]


class World:
    """One node of 100 cores, pods as given, no claims; hub and cluster in one."""

    def __init__(self) -> None:
        self.status: Json = {}
        self.now = 1000.0
        self.nodes, self.claims = Store(), Store()
        self.store, self.is_denied = Store(), False  # of the pods
        condition = {"type": "Ready", "status": "True"}
        has = {"cpu": "100", "memory": "100Gi", "pods": "100"}
        self.nodes.apply(named("node", status={"conditions": [condition], "allocatable": has}))

    def reconciler(self, *, free: bool = True) -> RegistrationReconciler:
        return RegistrationReconciler(
            cast("Client", self),
            cast("Client", self),
            cluster=cast("Store", self),
            nodes=self.nodes,
            claims=self.claims,
            pods=cast("Informer", self) if free else None,
            clock=lambda: self.now,
        )

    def get(self, _: str, name: str) -> Object:
        return named(name, status=self.status)

    async def request(self, *_: str) -> bytes:
        return b'{"gitVersion":"v1.36.3"}'

    async def patch(self, _: object, __: str, patch: Patch, *, subresource: str) -> None:
        merged(self.status, msgspec.json.decode(patch.body)[subresource])

    def add_pod(self, name: str, cores: int) -> None:
        taken = msgspec.to_builtins(Claimed("node", Amounts(1000 * cores, 0, 1)))
        self.store.apply(named(name, **taken))

    def told(self) -> str | None:
        """How many cores are free, as the hub knows it."""
        found: str | None = self.status["allocatable"].get(CPU)
        return found


def named(name: str, **rest: Any) -> Object:
    return Object(msgspec.json.encode({"metadata": {"name": name, "resourceVersion": "1"}, **rest}))


def merged(into: Json, patch: Json) -> None:
    """RFC 7386."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            merged(into.setdefault(key, {}), value)
        else:
            into[key] = value


@pytest.fixture
def world() -> World:
    return World()


async def test_small_moves_are_told_once_a_minute_and_large_ones_at_once(world: World) -> None:
    reconciler = world.reconciler()
    assert await reconciler.reconcile(REQUEST) == Result.done()
    assert world.told() == "100"
    world.add_pod("small", 1)
    world.now += 20
    assert await reconciler.reconcile(REQUEST) == Result.recheck(after=40.0)
    assert world.told() == "100"
    world.add_pod("large", 10)
    assert await reconciler.reconcile(REQUEST) == Result.done()
    assert world.told() == "89"
    world.add_pod("another", 1)
    world.now += 60
    assert await reconciler.reconcile(REQUEST) == Result.done()
    assert world.told() == "88"


async def test_what_is_reported_anyhow_takes_along_what_is_free(world: World) -> None:
    reconciler = world.reconciler()
    await reconciler.reconcile(REQUEST)
    world.add_pod("small", 1)
    world.claims.apply(named("room", spec={"value": "5"}))
    assert await reconciler.reconcile(REQUEST) == Result.done()
    assert world.told() == "99"


@pytest.mark.parametrize("away", ["not wanted", "denied", "no nodes"])
async def test_what_is_not_known_or_not_to_be_told_is_not_left_there(world: World, away: str) -> None:
    await world.reconciler().reconcile(REQUEST)
    assert world.told() == "100"
    world.is_denied = away == "denied"
    if away == "no nodes":
        world.nodes.replace(())
    await world.reconciler(free=away != "not wanted").reconcile(REQUEST)
    assert world.told() is None
    assert world.status["version"] == {"kubernetes": "v1.36.3"}
