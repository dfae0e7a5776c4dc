"""What the agent's works have put on the managed cluster, watched: one informer per kind, started when the first
work delivers that kind. Holds only objects that a work of this hub owns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from agent.decide.naming import work_name
from controllers.api.kinds import APPLIED_MANIFEST_WORK, Kind
from controllers.kube.client import Client
from controllers.kube.errors import Unavailable
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.watch import Scope

log = structlog.get_logger(__name__)

_SYNC_DEADLINE = 15.0


def owning_works(item: Object, hub: str) -> list[str]:
    """Names of the works of `hub` (a hub hash) that own the object."""
    found = (
        work_name(hub, owner.name)
        for owner in item.metadata.owner_references
        if owner.kind == APPLIED_MANIFEST_WORK.kind
    )
    return [name for name in found if name is not None]


class ManagedObjects:
    """`on_change` is called with the name of each work whose object has changed."""

    def __init__(self, client: Client, hub: str, on_change: Callable[[str], None]) -> None:
        self._client = client
        self._hub = hub
        self._on_change = on_change
        self._views: dict[Kind, tuple[Informer, OwnWrites]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._started = asyncio.Event()

    async def run(self) -> None:
        """Runs the informers until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            self._started.set()
            for informer, _ in self._views.values():
                self._tasks.create_task(informer.run())
            await asyncio.Event().wait()

    async def of(self, kind: Kind) -> OwnWrites:
        """The objects of `kind` as this process knows them. Raises Unavailable when they cannot be watched."""
        if kind not in self._views:
            self._start(kind)
        informer, view = self._views[kind]
        try:
            async with asyncio.timeout(_SYNC_DEADLINE):
                await informer.wait_synced()
        except TimeoutError as error:
            raise Unavailable(
                f"cannot watch {kind} on the managed cluster; see watch_failed in the log"
            ) from error
        return view

    def _start(self, kind: Kind) -> None:
        informer = Informer(self._client, Scope(kind), keep=lambda item: bool(owning_works(item, self._hub)))
        informer.add_handler(self._observe)
        self._views[kind] = (informer, OwnWrites(informer))
        if self._tasks is not None:
            self._tasks.create_task(informer.run(), name=f"informer:{kind}")
        log.info("kind_watched", kind=str(kind))

    def _observe(self, change: Change) -> None:
        for name in owning_works(change.object, self._hub):
            self._on_change(name)
