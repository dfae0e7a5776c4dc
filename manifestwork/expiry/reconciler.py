"""Deletes a ManifestWork when its time has come, as long as it is the very state that was decided on."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from typing import Final

import structlog

from controllers.api.kinds import MANIFEST_WORK
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.runtime.cache import Reader
from controllers.runtime.reconcile import Request, Result
from manifestwork.expiry.decide import expires
from manifestwork.expiry.remnant import Remnant

log = structlog.get_logger(__name__)

# Seconds. Clocks are set, and machines sleep: no wait is longer than this before the time is looked at again.
_LONGEST_WAIT: Final = 3600.0


class ExpiryReconciler:
    """Request: a ManifestWork. `works` holds remnants of them; `now` is an aware time."""

    def __init__(self, client: Client, *, works: Reader, now: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._works = works
        self._now = now

    async def reconcile(self, request: Request, /) -> Result:
        found = self._works.get(*request)
        if found is None:
            return Result.done()
        meta, kept = found.metadata, found.decode(Remnant)
        due = expires(kept.ttl, kept.conditions, is_going=meta.deletion_timestamp is not None)
        if due is None:
            return Result.done()
        left = (due - self._now()).total_seconds()
        if left > 0:
            return Result.recheck(after=min(left, _LONGEST_WAIT))
        # Whatever was written meanwhile may have taken Complete back: then this is a Conflict, and decided anew.
        with contextlib.suppress(NotFound):
            await self._client.delete(
                MANIFEST_WORK,
                meta.name,
                namespace=meta.namespace,
                uid=meta.uid,
                resource_version=meta.resource_version,
            )
            log.info("work_expired", cluster=meta.namespace, work=meta.name, ttl=kept.ttl)
        return Result.done()
