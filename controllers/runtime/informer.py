"""One watch, one store, many handlers. The only writer of its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import structlog

from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime import metrics
from controllers.runtime.cache import Change, IndexFunction, Store
from controllers.runtime.watch import Applied, Deleted, Listed, Scope, Timing, watch

log = structlog.get_logger(__name__)

Handler = Callable[[Change], None]


class Informer:
    """Keeps `store` equal to what the API server has in `scope`, and tells handlers of each change.

    `keep` drops objects that are of no interest before they cost memory. Handlers run in the order of the
    changes, must not block and must not raise.
    """

    def __init__(
        self,
        client: Client,
        scope: Scope,
        *,
        indexes: dict[str, IndexFunction] | None = None,
        keep: Callable[[Object], bool] | None = None,
        timing: Timing = Timing(),
    ) -> None:
        self.scope = scope
        self.store = Store(indexes)
        self._client = client
        self._keep = keep
        self._timing = timing
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()

    def add_handler(self, handler: Handler) -> None:
        """`handler` sees every later change; objects that are here already come to it as added."""
        self._handlers.append(handler)
        for item in list(self.store.all()):
            handler(Change(None, item))

    @property
    def has_synced(self) -> bool:
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        """Returns once the first list is in the store and the handlers have seen it."""
        await self._synced.wait()

    async def run(self) -> None:
        """Until cancelled."""
        kind = str(self.scope.kind)
        size = metrics.informer_objects.labels(kind)
        async with aclosing(watch(self._client, self.scope, timing=self._timing)) as events:
            async for event in events:
                match event:
                    case Listed(objects):
                        kept = [item for item in objects if self._keep is None or self._keep(item)]
                        for change in self.store.replace(kept):
                            self._notify(change)
                        if not self._synced.is_set():
                            log.debug("informer_synced", kind=kind, objects=len(kept))
                            self._synced.set()
                    case Applied(item):
                        if self._keep is None or self._keep(item):
                            self._notify(self.store.apply(item))
                        else:
                            self._notify(self._dropped(item))
                    case Deleted(item):
                        self._notify(self.store.remove(item))
                size.set(len(self.store))

    def _dropped(self, item: Object) -> Change | None:
        """Takes out what `keep` does not want any more. Handlers get the state that it was kept for."""
        kept = self.store.get(*item.key)
        self.store.remove(item)
        return None if kept is None else Change(kept, None)

    def _notify(self, change: Change | None) -> None:
        if change is None:
            return
        for handler in self._handlers:
            handler(change)
