"""Which replicas take part in sharding: a Lease of each one's own, renewed as long as it lives.

Also finds replicas that were started with another number of shards, which must not work beside each other.
Owns no shard.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from controllers.api.kinds import LEASE
from controllers.kube.errors import ApiError
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.group import Group, shards_of
from controllers.runtime.lease import Observation, holder_of

log = structlog.get_logger(__name__)

# A member's Lease that nobody renewed for so many durations is what is left of a crash.
_FORGOTTEN_AFTER: Final = 20


class ShardCountError(Exception):
    """Replicas were started with different numbers of shards. The message says who with what, and what to do."""


class Members:
    """This replica's own Lease (`lock`), and who else is alive by this process's monotonic clock.

    Alive is who appeared or renewed its Lease within its duration. One that was there before this process began to
    look may be what a crash has left: it counts only once it was seen to renew.
    """

    def __init__(self, group: Group) -> None:
        self.lock = group.member_lock()
        self._group = group
        self._seen: dict[str, Observation] = {}
        self._unproven: set[str] = set()

    def observe(self, change: Change, *, first_look: bool = False) -> bool:
        """Takes notice of a member's Lease; returns whether a replica has come or gone by that.

        `first_look`: the Lease was found, nothing was seen to happen to it.
        """
        lease = change.object
        name = lease.metadata.name
        before = self.alive()
        if change.new is None or shards_of(lease) != str(self._group.shards):
            self._seen.pop(name, None)
        else:
            version = lease.metadata.resource_version
            self._seen[name] = Observation(holder_of(lease), version, self._group.clock())
        if first_look:
            self._unproven.add(name)
        else:
            self._unproven.discard(name)
        return self.alive() != before

    def alive(self) -> frozenset[str]:
        """Identities of the replicas that are alive; this one is always among them."""
        oldest = self._group.clock() - self._group.timing.duration
        others = {
            seen.holder
            for name, seen in self._seen.items()
            if seen.since > oldest and name not in self._unproven and seen.holder
        }
        return frozenset(others | {self.lock.identity})

    def undecided(self) -> bool:
        """Whether somebody may yet turn out to be alive: two renewals' time after the first look at most."""
        oldest = self._group.clock() - 2 * self._group.timing.retry
        return any(name in self._unproven and seen.since > oldest for name, seen in self._seen.items())

    async def sweep(self) -> None:
        """Deletes the Leases of replicas that died long ago."""
        now = self._group.clock()
        for name, seen in list(self._seen.items()):
            if now - seen.since < self._group.timing.duration * _FORGOTTEN_AFTER:
                continue
            self._seen[name] = Observation("", seen.version, now)  # tried again as late, if this fails
            try:
                await self._group.client.delete(LEASE, name, namespace=self._group.namespace)
            except ApiError as error:
                log.debug("member_not_removed", lease=name, error=error.message)
            else:
                log.info("member_removed", lease=name, holder=seen.holder)


class Agreement:
    """That all who work in a group count with the same number of shards; 1 is one leader for everything.

    Write the own Lease, then `check`: of two that start at the same time, one at least sees the other.
    """

    def __init__(self, group: Group) -> None:
        self._group = group
        self._dead: dict[str, str] = {}  # Leases by name, with the version at which nobody renewed them

    async def check(self) -> None:
        """Raises ShardCountError when a live replica counts differently, ApiError when the hub can't be asked.

        A Lease that is left of a crash looks alive until it was not renewed for its duration: that is waited for.
        """
        group = self._group
        suspects = await self._suspects()
        deadline = group.clock() + group.timing.duration
        if suspects:
            log.info("shards_differ", shards=group.shards, waiting_for=sorted(suspects))
        while suspects:
            await asyncio.sleep(group.timing.retry / 2)
            now = await self._suspects()
            for name, lease in now.items():
                before = suspects.get(name)
                if before is None or before.metadata.resource_version != lease.metadata.resource_version:
                    raise ShardCountError(self._message(lease))
            suspects = now
            if group.clock() >= deadline:
                self._dead |= {name: lease.metadata.resource_version for name, lease in suspects.items()}
                return

    async def _suspects(self) -> dict[str, Object]:
        """Held Leases of the group that count differently and were not found dead."""
        group = self._group
        found, _ = await group.client.list(
            LEASE, namespace=group.namespace, label_selector=group.scope.label_selector
        )
        leader = None
        if group.shards > 1:
            leader = await group.client.find(LEASE, group.name, namespace=group.namespace)
        return {
            lease.metadata.name: lease
            for lease in [*found, *([leader] if leader else [])]
            if holder_of(lease)
            and shards_of(lease) != str(group.shards)
            and self._dead.get(lease.metadata.name) != lease.metadata.resource_version
        }

    def _message(self, lease: Object) -> str:
        return (
            f"--shards {self._group.shards} does not fit: {holder_of(lease)} works with --shards "
            f"{shards_of(lease)} (Lease {self._group.namespace}/{lease.metadata.name}). All replicas must use "
            "the same number: stop all of them, then start them anew with it"
        )
