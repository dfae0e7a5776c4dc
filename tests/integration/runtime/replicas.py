"""Replicas that share shards, in this process: each a real Manager over ConfigMaps, and a witness over all of them.

The witness knows who works on which namespace at which time, and in which version each object was handled last.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.controller import Controller
from controllers.runtime.group import Group
from controllers.runtime.informer import Informer
from controllers.runtime.lease import LeaseTiming
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request, Result
from controllers.runtime.scope import Scope
from controllers.runtime.sharding import Sharding
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map

TIMING = LeaseTiming(duration=4.0, renew_deadline=2.5, retry=0.4)


class Witness:
    """What all replicas together do. `handled`: by key the highest resourceVersion that was worked on to the end."""

    def __init__(self) -> None:
        self.working: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.overlaps: list[str] = []
        self.handled: dict[tuple[str, str], int] = {}
        self.by: defaultdict[str, set[str]] = defaultdict(set)

    def begin(self, who: str, key: Request) -> None:
        others = [name for name, count in self.working[key.namespace].items() if count and name != who]
        if others:
            self.overlaps.append(f"{who} began {key} while {others} worked there")
        self.working[key.namespace][who] += 1

    def end(self, who: str, key: Request, version: int | None) -> None:
        self.working[key.namespace][who] -= 1
        if version is not None:
            self.by[key.namespace].add(who)
            self.handled[key] = max(version, self.handled.get(key, 0))


class Replica:
    """One process in small. `crash` ends it as a kill would: nothing is released."""

    def __init__(
        self,
        client: Client,
        name: str,
        witness: Witness,
        *,
        lease_namespace: str,
        label: str,
        shards: int,
        timing: LeaseTiming,
        longest: float = 0.02,
    ) -> None:
        self.name = name
        self.gate = asyncio.Event()
        self.gate.set()
        self._witness = witness
        self._longest = longest
        self._chance = random.Random(name)
        self._crashed = False
        self.sharding = _Mortal(
            self, Group(client, "test", lease_namespace, name, shards, timing), grace=30.0
        )
        self.manager = Manager(sharding=self.sharding)
        self._objects = Informer(client, Scope(CONFIG_MAP, label_selector=label))
        self.manager.add_informer(self._objects)
        controller = self.manager.add_controller(Controller("test-shards", self))
        controller.watch(self._objects)
        self.task: asyncio.Task[None] = asyncio.create_task(self.manager.run())

    @property
    def crashed(self) -> bool:
        return self._crashed

    @property
    def owned(self) -> frozenset[int]:
        return self.sharding.owned

    async def reconcile(self, request: Request, /) -> Result:
        self._witness.begin(self.name, request)
        version = None
        try:
            found = self._objects.store.get(*request)
            await self.gate.wait()
            await asyncio.sleep(self._chance.uniform(0, self._longest))
            version = int(found.metadata.resource_version) if found else None
        finally:
            self._witness.end(self.name, request, version)
        return Result.done()

    async def leave(self) -> None:
        """As on SIGTERM."""
        self.manager.stop()
        await asyncio.wait_for(self.task, 30)

    async def crash(self) -> None:
        """As on SIGKILL."""
        self._crashed = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class _Mortal(Sharding):
    def __init__(self, replica: Replica, group: Group, *, grace: float) -> None:
        super().__init__(group, grace=grace)
        self._replica = replica

    async def release(self) -> None:
        if not self._replica.crashed:
            await super().release()


class Crew:
    """All replicas of one test, their objects, and somebody who changes these all the time if asked to. `timing`: of
    those who join from now on."""

    def __init__(
        self, client: Client, *, lease_namespace: str, namespaces: Sequence[str], label: str, shards: int
    ) -> None:
        self.witness = Witness()
        self.replicas: list[Replica] = []
        self.namespaces = namespaces
        self.shards = shards
        self.timing = TIMING
        self._client = client
        self._lease_namespace = lease_namespace
        self._label = label

    def join(self, *, client: Client | None = None, shards: int | None = None) -> Replica:
        replica = Replica(
            client or self._client,
            f"r{len(self.replicas)}",
            self.witness,
            lease_namespace=self._lease_namespace,
            label=self._label,
            shards=shards or self.shards,
            timing=self.timing,
        )
        self.replicas.append(replica)
        return replica

    @property
    def alive(self) -> list[Replica]:
        return [replica for replica in self.replicas if not replica.task.done()]

    async def create(self, name: str) -> None:
        """One object in each namespace."""
        body = config_map(name, labels={self._label: "yes"}, value="0")
        for namespace in self.namespaces:
            await self._client.create(CONFIG_MAP, body, namespace=namespace)

    async def change(self, names: Sequence[str], chance: random.Random) -> None:
        """Changes objects at random, until cancelled."""
        number = 0
        while True:
            number += 1
            await self._client.patch(
                CONFIG_MAP,
                chance.choice(names),
                merge_patch({"data": {"value": str(number)}}),
                namespace=chance.choice(self.namespaces),
            )
            await asyncio.sleep(0.01)

    async def balanced(self, *, within: float = 30) -> None:
        """Waits until every shard has one owner among those alive, and their shares are even."""

        def probe() -> bool:
            shares = {replica.name: sorted(replica.owned) for replica in self.alive}
            assert sorted(itertools.chain(*shares.values())) == list(range(self.shards)), shares
            sizes = [len(share) for share in shares.values()]
            assert max(sizes) - min(sizes) <= 1, shares
            return True

        await eventually(probe, within=within, what="balanced")

    async def all_handled(self, *, within: float = 30) -> None:
        """Waits until every object was handled in the version that it has."""
        found, _ = await self._client.list(CONFIG_MAP, label_selector=self._label)
        newest = {item.key: int(item.metadata.resource_version) for item in found}
        assert newest

        def probe() -> bool:
            behind = {
                key: version for key, version in newest.items() if self.witness.handled.get(key) != version
            }
            assert behind == {}
            return True

        await eventually(probe, within=within, what="every object handled at its newest version")

    async def end(self) -> None:
        for replica in self.replicas:
            replica.gate.set()
            replica.task.cancel()
        await asyncio.gather(*(replica.task for replica in self.replicas), return_exceptions=True)
        gc.unfreeze()
        found, _ = await self._client.list(CONFIG_MAP, label_selector=self._label)
        for item in found:
            await self._client.delete(CONFIG_MAP, item.metadata.name, namespace=item.metadata.namespace)
