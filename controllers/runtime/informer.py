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
from controllers.runtime.watch import (
    Applied,
    Deleted,
    Interest,
    InterestFunction,
    Keep,
    Listed,
    Scope,
    Timing,
    watch,
    whole,
)

log = structlog.get_logger(__name__)

Handler = Callable[[Change], None]


class Informer:
    """Keeps `store` equal to what the API server has in `scope`, and tells handlers of each change.

    `interest` says how much of an object is kept, before it costs memory: all, only the uid (it is settled, and
    handlers take it for gone), or nothing. `after` is an informer that `interest` asks: it has to be full first.
    `keep` makes of an object what the store holds of it (see watch). With `optional` the credentials need not suffice,
    nor the kind be there: where the server refuses the scope, `is_denied`, and the informer is synced all the same,
    with nothing in its store.
    Handlers run in the order of the changes, must not block and must not raise.
    """

    def __init__(
        self,
        client: Client,
        scope: Scope,
        *,
        indexes: dict[str, IndexFunction] | None = None,
        interest: InterestFunction | None = None,
        after: Informer | None = None,
        keep: Keep = whole,
        optional: bool = False,
        timing: Timing = Timing(),
    ) -> None:
        self.scope = scope
        self.is_denied = False
        self.store = Store(indexes)
        self._client = client
        self._interest = interest
        self._after = after
        self._keep = keep
        self._optional = optional
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
        """Returns once the first list is in the store and the handlers have seen it, or was denied."""
        await self._synced.wait()

    def reconsider(self, item: Object) -> None:
        """Asks again how much of an object is wanted that is here in full: what that depends on has changed."""
        self._apply(item)

    async def run(self) -> None:
        """Until cancelled."""
        if self._after is not None:
            await self._after.wait_synced()
        kind = str(self.scope.kind)
        size = metrics.informer_objects.labels(kind)
        events = watch(
            self._client,
            self.scope,
            interest=self._interest,
            keep=self._keep,
            on_denied=self._on_denied if self._optional else None,
            timing=self._timing,
        )
        async with aclosing(events):
            async for event in events:
                match event:
                    case Listed(objects, settled):
                        self.is_denied = False
                        for change in self.store.replace(objects, settled):
                            self._notify(change)
                        for item in objects:  # while it was listed, the answer may have become another
                            self.reconsider(item)
                        if not self._synced.is_set():
                            log.debug(
                                "informer_synced", kind=kind, objects=len(objects), settled=len(settled)
                            )
                            self._synced.set()
                    case Applied(item):
                        self._apply(item)
                    case Deleted(item):
                        self._notify(self.store.remove(item))
                size.set(len(self.store))

    def _on_denied(self) -> None:
        self.is_denied = True
        for change in self.store.replace(()):
            self._notify(change)
        metrics.informer_objects.labels(str(self.scope.kind)).set(0)
        self._synced.set()

    def _apply(self, item: Object) -> None:
        wanted = Interest.FULL if self._interest is None else self._interest(item)
        if wanted is Interest.FULL:
            self._notify(self.store.apply(item))
        elif wanted is Interest.UID:
            # Of one that was settled before, handlers hear all the same: a late word on it may matter to them.
            self._notify(self.store.settle(item) or Change(None, item))
        else:
            self._notify(self._dropped(item))

    def _dropped(self, item: Object) -> Change | None:
        """Takes out what is not wanted any more. Handlers get the state that it was kept for."""
        kept = self.store.get(*item.key)
        self.store.remove(item)
        return None if kept is None else Change(kept, None)

    def _notify(self, change: Change | None) -> None:
        if change is None:
            return
        for handler in self._handlers:
            handler(change)
