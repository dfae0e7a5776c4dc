"""Works that have left a trace here, and that the hub has not got: after a grace their objects go.

The grace is longer for a hub that has lost works because it was restored from a backup.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import structlog

from agent.decide.eviction import Grace
from agent.history import HubHistory
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.held import Held
from agent.work.removal import RECHECK
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK
from controllers.api.meta import parsed, timestamp
from controllers.api.work import AppliedManifestWork
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.reconcile import Result

log = structlog.get_logger(__name__)


class Eviction:
    """Acts on one managed cluster; `now` is an aware time."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        claims: Claims,
        cleanup: Cleanup,
        *,
        history: HubHistory,
        held: Held,
        grace: Grace,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._claims = claims
        self._cleanup = cleanup
        self._history = history
        self._held = held
        self._grace = grace
        self._now = now

    async def evict(self, namespace: str, work_name: str) -> Result:
        """For a work that the hub does not have: removes what it applied, after a grace."""
        if not self._claims.is_known(work_name):
            return Result.done()
        applied = await self._claims.find(work_name)
        if applied is None or not self._claims.is_ours(applied):
            return Result.done()
        # Whoever deletes the AppliedManifestWork of a work that there is not, wants its objects gone.
        is_asked = applied.metadata.deletion_timestamp is not None
        if not is_asked and self._grace.never_ends:
            await self.spare(applied)
            return Result.done()
        if not is_asked and (left := await self._grace_left(applied, namespace, work_name)):
            return Result.recheck(after=left)
        if await self._cleanup.remove(applied, None):
            return Result.recheck(after=RECHECK)
        log.info("work_evicted", work=work_name)
        return Result.done()

    async def _grace_left(self, applied: Object, namespace: str, work_name: str) -> float | None:
        """In how many seconds to ask again; None: nothing speaks for the work any more, the hub itself included."""
        started = applied.decode(AppliedManifestWork).status.eviction_start_time
        now = self._now()
        if not started:
            await self._claims.set_eviction(applied, timestamp(now))
            log.warning("work_forgotten_by_hub", work=work_name, removed_in=str(self._grace.forgotten))
        since = min(parsed(started), now) if started else now
        if left := self._left(applied, work_name, since, now):
            return left
        # Asked of the hub itself: a cache may lag, and a wrong answer would kill what runs.
        if await self._hub.find(MANIFEST_WORK, work_name, namespace=namespace) is not None:
            return RECHECK
        await self._history.ask()
        return self._left(applied, work_name, since, now)

    def _left(
        self, applied: Object, work_name: str, since: datetime.datetime, now: datetime.datetime
    ) -> float | None:
        """In how many seconds the work's objects may be removed; None: now."""
        due = self._grace.due(since, self._history.went_back_at)
        if due <= now:
            return None
        if due > since + self._grace.forgotten:
            self._held.add(work_name, applied.metadata.name, due)
        return max(1.0, (due - now).total_seconds())

    async def evict_of_another_hub(self, name: str) -> Result:
        """For the AppliedManifestWork that this agent has left under another hub, or another address of this one.

        Removes what only that hub has asked for, after a grace.
        """
        applied = await self._managed.find(APPLIED_MANIFEST_WORK, name)
        if applied is None:
            return Result.done()
        if applied.metadata.deletion_timestamp is None and self._grace.never_ends:
            await self.spare(applied)
            return Result.done()
        if applied.metadata.deletion_timestamp is None:
            started = applied.decode(AppliedManifestWork).status.eviction_start_time
            now = self._now()
            if not started:
                await self._claims.set_eviction(applied, timestamp(now))
                log.warning("hub_has_changed", applied=name, removed_in=str(self._grace.forgotten))
            due = (min(parsed(started), now) if started else now) + self._grace.forgotten
            if due > now:
                return Result.recheck(after=max(1.0, (due - now).total_seconds()))
        if await self._cleanup.remove(applied, None):
            return Result.recheck(after=RECHECK)
        log.info("work_of_another_hub_evicted", applied=name)
        return Result.done()

    async def spare(self, applied: Object) -> Object:
        """The hub has the work again, or nothing is to be evicted any more: the eviction is called off."""
        if not applied.decode(AppliedManifestWork).status.eviction_start_time:
            return applied
        log.info("eviction_called_off", applied=applied.metadata.name)
        return await self._claims.set_eviction(applied, None)
