"""This replica's shards: takes its fair share, renews it, and gives away what is above it.

Each shard is guarded by a Lease of its own, and worked on only by who holds it. A shard is given away in this
order: no new keys of it -> those that wait are dropped -> what is in flight ends -> the Lease is released. The
next holder looks at everything in the shard anew. Losing a Lease otherwise than by giving it away ends the process,
as with a leader. Decides nothing: which shards to take and to give is said by `shards`, from what is seen here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import structlog

from controllers.kube.errors import ApiError
from controllers.runtime import metrics
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller, Wanted
from controllers.runtime.group import Group, is_member
from controllers.runtime.informer import Informer
from controllers.runtime.lease import LeaseLock
from controllers.runtime.membership import Agreement, Members
from controllers.runtime.reconcile import Request
from controllers.runtime.shards import moves, shard_of

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """A Lease that this process worked under is not its own any more. The message names it."""


class Sharding:
    """`group.shards` shards among all replicas of the group.

    To be run by a Manager, which also runs `leases`: `acquire`, `hold`, then `retire` and `release` to end well.
    `grace`: seconds that what is in flight of a shard gets before it is cancelled.
    """

    def __init__(self, group: Group, *, grace: float = 20.0) -> None:
        self.leases = Informer(group.client, group.scope)
        self.leases.add_handler(self._heard)
        self._group = group
        self._grace = grace
        self._agreement = Agreement(group)
        self._members = Members(group)
        self._locks = group.shard_locks()
        self._by_name = {lock.name: lock for lock in self._locks}
        self._controllers: list[Controller] = []
        self._owned: set[int] = set()
        self._keeping: dict[int, asyncio.Task[None]] = {}  # also shards that are being given away
        self._balancing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ended: asyncio.Future[None] | None = None

    def add_controller(self, controller: Controller) -> None:
        """From now on `controller` works on this replica's shards only."""
        controller.restrict(self.owns)
        self._controllers.append(controller)

    def owns(self, request: Request) -> bool:
        """Whether this replica may work on the key now."""
        return self._shard_of(request) in self._owned

    @property
    def owned(self) -> frozenset[int]:
        """The shards that this replica works on."""
        return frozenset(self._owned)

    # -- the life of a replica, as the Manager leads it ---------------------------------------------------

    async def acquire(self) -> None:
        """Joins the others, once the hub answers. Raises ShardCountError if they count differently."""
        await self._agree()
        while True:
            if await self._members.lock.attempt():
                break
            await asyncio.sleep(self._group.timing.retry)
        await self._agree()
        own = self._members.lock
        log.info("shards_joined", lease=own.name, identity=own.identity, shards=self._group.shards)

    async def hold(self) -> None:
        """Takes, renews and gives away shards until cancelled. Raises LeaseLost; then stop all work at once."""
        self._ended = asyncio.get_running_loop().create_future()
        member = self._spawn(self._keep(self._members.lock))
        self._balancing = self._spawn(self._balance())
        try:
            await self._ended
        finally:
            self._owned.clear()
            await _cancel([member, self._balancing, *self._keeping.values()])
            self._keeping.clear()
            metrics.shards_owned.set(0)

    def retire(self) -> None:
        """Takes nothing more and gives nothing away: the process stops. What is held is renewed until then."""
        if self._balancing is not None:
            self._balancing.cancel()

    async def release(self) -> None:
        """Leaves, so that the others take over at once. Only after all work has stopped."""
        # In this order: by the time the shards are free, the others no longer count with us.
        await self._members.lock.delete()
        released = await asyncio.gather(*(lock.release() for lock in self._locks))
        log.info("shards_left", released=sum(released))

    async def _agree(self) -> None:
        while True:
            try:
                return await self._agreement.check()
            except ApiError as error:
                log.warning("shards_not_compared", error=error.message, status=error.status)
                await asyncio.sleep(self._group.timing.retry)

    # -- taking and giving --------------------------------------------------------------------------------

    async def _balance(self) -> None:
        while True:
            self._changed.clear()
            await self._rebalance()
            await self._members.sweep()
            try:
                # Not every change is heard of: leases run out in silence.
                async with asyncio.timeout(self._group.timing.retry):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _rebalance(self) -> None:
        if self._members.undecided():
            return
        alive = self._members.alive()
        metrics.shard_replicas.set(len(alive))
        todo = moves(self._holders(), alive, self._group.identity)
        if not todo.take and not todo.give:
            return
        gained = await self._take(todo.take)
        await self._give(todo.give)
        if gained or todo.give:
            log.info(
                "shards_rebalanced",
                owned=len(self._owned),
                of=self._group.shards,
                replicas=len(alive),
                gained=len(gained),
                given=len(todo.give),
            )

    def _holders(self) -> list[str]:
        """Who holds each shard. One that we wrote ourselves into and do not renew is free to be taken (again)."""
        return [
            "" if lock.holder == self._group.identity and number not in self._keeping else lock.holder
            for number, lock in enumerate(self._locks)
        ]

    async def _take(self, shards: Sequence[int]) -> list[int]:
        """Returns those that are held now; a shard that somebody else was faster to take is not among them."""
        held = await asyncio.gather(*(self._locks[shard].attempt() for shard in shards))
        gained = [shard for shard, ours in zip(shards, held, strict=True) if ours]
        for shard in gained:
            self._keeping[shard] = self._spawn(self._keep(self._locks[shard]))
            self._owned.add(shard)
            log.info("shard_acquired", shard=shard, lease=self._locks[shard].name)
        metrics.shards_owned.set(len(self._owned))
        if gained:
            for controller in self._controllers:
                await controller.resync(self._among(gained))
        return gained

    async def _give(self, shards: Sequence[int]) -> None:
        if not shards:
            return
        self._owned.difference_update(shards)
        metrics.shards_owned.set(len(self._owned))
        lost = self._among(shards)
        await asyncio.gather(*(item.drain(lost, grace=self._grace) for item in self._controllers))
        await _cancel([self._keeping[shard] for shard in shards])
        for shard in shards:
            del self._keeping[shard]
        await asyncio.gather(*(self._locks[shard].release() for shard in shards))
        for shard in shards:
            log.info("shard_released", shard=shard, lease=self._locks[shard].name)

    def _shard_of(self, request: Request) -> int:
        return shard_of(request.namespace, self._group.shards)

    def _among(self, shards: Iterable[int]) -> Wanted:
        numbers = frozenset(shards)
        return lambda request: self._shard_of(request) in numbers

    # -- what is heard ------------------------------------------------------------------------------------

    def _heard(self, change: Change) -> None:
        """Renewals are only noted; what may call for a rebalancing wakes it."""
        lease = change.object
        if is_member(lease):
            if self._members.observe(change, first_look=not self.leases.has_synced):
                self._changed.set()
            return
        lock = self._by_name.get(lease.metadata.name)
        if lock is None or change.new is None:  # one that was deleted runs out like one that is not renewed
            return
        before = lock.holder
        lock.observe(lease)
        if lock.holder != before:
            self._changed.set()

    async def _keep(self, lock: LeaseLock) -> None:
        await lock.keep()
        raise LeaseLost(lock.name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._part_ended)
        return task

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        """What fails in the background fails `hold`."""
        if not task.cancelled() and (error := task.exception()) and self._ended and not self._ended.done():
            self._ended.set_exception(error)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
