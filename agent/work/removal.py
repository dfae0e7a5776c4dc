"""Says on a ManifestWork that it is being deleted, and which objects on the cluster its removal waits for."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from agent.decide.deleting import Remaining, deleting
from agent.decide.status import status_patch
from controllers.api.conditions import find, with_condition
from controllers.api.kinds import MANIFEST_WORK
from controllers.api.work import DELETING, ManifestWork
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.own_writes import OwnWrites

log = structlog.get_logger(__name__)

# How soon an object that is still terminating is read again, should its removal not be seen.
RECHECK: Final = 5.0
# Seconds after which what still holds a work is worth a write: most objects are gone by then. A little less than the
# time until it is read again.
_PATIENCE: Final = RECHECK - 0.5


class Removal:
    """Writes to the hub, of which `works` are the ManifestWorks. `now` is an aware time, `clock` monotonic seconds."""

    def __init__(
        self,
        hub: Client,
        *,
        works: OwnWrites,
        now: Callable[[], datetime.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._works = works
        self._now = now
        self._clock = clock
        self._written: dict[str, float] = {}

    async def waits_for(self, found: Object, left: Sequence[Remaining]) -> None:
        """`left` are the objects in the way. They are named if they stay for some seconds. Raises ApiError."""
        work = found.decode(ManifestWork)
        meta = work.metadata
        conditions = work.status.conditions
        is_new = find(conditions, DELETING) is None
        if not is_new and self._clock() - self._written.get(meta.name, -math.inf) < _PATIENCE:
            return
        remaining = [] if is_new else left
        condition = deleting(remaining, self._now(), meta.generation)
        desired = msgspec.structs.replace(work.status, conditions=with_condition(conditions, condition))
        patch = status_patch(work.status, desired)
        self._written[meta.name] = self._clock()
        if patch is None:
            return
        if remaining:
            log.info("removal_waits", work=meta.name, objects=[str(item) for item in remaining])
        self._works.record(
            await self._hub.patch(
                MANIFEST_WORK,
                meta.name,
                merge_patch(patch, resource_version=meta.resource_version),
                namespace=meta.namespace,
                subresource="status",
            )
        )

    def ended(self, work_name: str) -> None:
        """The work waits for nothing any more."""
        self._written.pop(work_name, None)
