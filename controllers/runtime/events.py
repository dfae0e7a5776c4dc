"""Kubernetes Events: what a user wants to know, on the object they look at.

Written in the background, so that a reconcile never waits for one and never fails because of one. The same
event on the same object is counted up, not written anew (what `kubectl get events` calls COUNT).
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

import structlog

from controllers.api.echo import echoed
from controllers.api.kinds import EVENT
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, ApiError, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime import metrics

log = structlog.get_logger(__name__)

Severity = Literal["Normal", "Warning"]
_QUEUE_LIMIT = 10_000
_REMEMBERED = 4_096
MESSAGE_LIMIT = 1024  # core/v1 Event.message, enforced by the API server


class Occurrence(NamedTuple):
    """One thing that happened to one object."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    severity: Severity
    reason: str
    message: str
    once: bool = False

    @property
    def event_name(self) -> str:
        """The same for the same occurrence, also after a restart: `<object>.<hash>`, as kubectl users know it."""
        digest = hashlib.sha256("\0".join(self[:8]).encode(errors="replace")).hexdigest()[:16]
        return f"{self.name[:200]}.{digest}"


class Recorder:
    """Records events as `component`. Run `run()` in the background, `flush()` before closing the client."""

    def __init__(
        self,
        client: Client,
        component: str,
        *,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._client = client
        self._component = component
        self._now = now
        self._pending: asyncio.Queue[Occurrence] = asyncio.Queue(_QUEUE_LIMIT)
        self._counts: OrderedDict[str, int] = OrderedDict()

    def normal(self, regarding: Object, reason: str, message: str) -> None:
        self._record(regarding, "Normal", reason, message)

    def warning(self, regarding: Object, reason: str, message: str) -> None:
        self._record(regarding, "Warning", reason, message)

    def warning_once(self, regarding: Object, reason: str, message: str) -> None:
        """Of a state, not of something that happens: said already, by whatever process, it is not counted up."""
        self._record(regarding, "Warning", reason, message, once=True)

    def _record(
        self, regarding: Object, severity: Severity, reason: str, message: str, *, once: bool = False
    ) -> None:
        """Cluster-scoped objects get their events in `default`, where kubectl describe looks for them."""
        kind = regarding.type_meta()
        meta = regarding.metadata
        short = echoed(message, MESSAGE_LIMIT)
        occurrence = Occurrence(
            kind.api_version, kind.kind, meta.namespace, meta.name, meta.uid, severity, reason, short, once
        )
        try:
            self._pending.put_nowait(occurrence)
        except asyncio.QueueFull:
            metrics.events_dropped.labels("queue full").inc()

    async def run(self) -> None:
        """Writes events until cancelled."""
        while True:
            occurrence = await self._pending.get()
            try:
                await self._write(occurrence)
            except ApiError as error:
                metrics.events_dropped.labels(error.reason or "unavailable").inc()
                log.warning("event_dropped", reason=occurrence.reason, error=error.message)
            except Exception:  # one Event that cannot be written is no reason to write none any more
                metrics.events_dropped.labels("failed").inc()
                log.exception("event_dropped", reason=occurrence.reason)
            finally:
                self._pending.task_done()

    async def flush(self, timeout: float) -> None:
        """Waits until what was recorded is written, at most `timeout` seconds. Needs `run` to be running."""
        try:
            async with asyncio.timeout(timeout):
                await self._pending.join()
        except TimeoutError:
            log.warning("events_not_flushed", left=self._pending.qsize())

    async def _write(self, what: Occurrence) -> None:
        namespace = what.namespace or "default"
        name = what.event_name
        stamp = timestamp(self._now())
        count = self._counts.get(name, 0) + 1
        if count > 1 and not what.once:
            try:
                body = {"count": count, "lastTimestamp": stamp}
                await self._client.patch(EVENT, name, merge_patch(body), namespace=namespace)
            except NotFound:  # events live for an hour
                count = 1
        if count == 1 or what.once:
            count = await self._create(what, namespace, name, stamp)
        self._counts[name] = count
        self._counts.move_to_end(name)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)

    async def _create(self, what: Occurrence, namespace: str, name: str, stamp: str) -> int:
        existing = None
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": what.api_version,
                "kind": what.kind,
                "namespace": what.namespace,
                "name": what.name,
                "uid": what.uid,
            },
            "type": what.severity,
            "reason": what.reason,
            "message": what.message,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            await self._client.create(EVENT, body, namespace=namespace)
        except AlreadyExists:
            # Written before this process started: count on from there.
            if what.once:
                return 1
            existing = await self._client.get(EVENT, name, namespace=namespace)
        if existing is None:
            return 1
        count = int(existing.to_dict().get("count") or 1) + 1
        update = {"count": count, "lastTimestamp": stamp}
        await self._client.patch(EVENT, name, merge_patch(update), namespace=namespace)
        return count
