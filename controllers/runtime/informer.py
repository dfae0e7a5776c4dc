"""One watch, one store, many handlers. The only writer of its store.

Here objects meet those who do something with them, and here it ends when one cannot: whatever a `keep`, an interest, an
index or a handler raises concerns that one object, which is set aside (`controllers.runtime.aside`).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Hashable
from contextlib import aclosing

import structlog

from controllers.kube.client import Client
from controllers.kube.errors import ApiError
from controllers.kube.object import Object, Unreadable
from controllers.runtime import metrics
from controllers.runtime.aside import Guarded, Handler, SetAside
from controllers.runtime.cache import Change, IndexFunction, Key, Store
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Interest, InterestFunction, Keep, Scope, whole
from controllers.runtime.watch import Applied, Deleted, Timing, watch
from controllers.runtime.workqueue import WorkQueue

log = structlog.get_logger(__name__)

# Seconds in which all who watch a server find out, each for itself, that it went back.
_SAME_REWIND = 60.0


class Informer:
    """Keeps `store` equal to what the API server has in `scope`, and tells handlers of each change.

    `interest` says how much of an object is kept, before it costs memory: all, only the uid (it is settled, and
    handlers take it for gone), or nothing. `after` is an informer that `interest` asks: it has to be full first.
    `keep` makes of an object what the store holds of it (see watch). With `optional` the credentials need not suffice,
    nor the kind be there: where the server refuses the scope, `is_denied`, and the informer is synced all the same,
    with nothing in its store. `refusal`: what the server has answered instead of what was asked, None after a list;
    without `optional`, what was heard before still stands. `is_doubtful`: its watch broke, and it is not known yet
    whether the server that comes back is at an older state, restored from a backup.
    Handlers run in the order of the changes and must not block. For one that raises the object is not there until a
    state of it comes that it can take; in the store, and for the other handlers, it is. Where `keep` raises, the object
    is kept with nothing in it but what tells it from others; where `interest` does, it is wanted in full.
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
        aside: SetAside | None = None,
    ) -> None:
        self.scope = scope
        self.refusal: ApiError | None = None
        self.aside = aside or SetAside()
        self.store = Store(indexes, self._not_indexed)
        self._client = client
        self._interest = interest
        self._after = after
        self._keep = keep
        self._optional = optional
        self._timing = timing
        self._handlers: list[Guarded] = []
        self._troubles: dict[Key, Exception] = {}  # before the handlers hear of the change
        self._on_rewind: list[Callable[[], None]] = []
        self._on_certain: list[Callable[[], None]] = []
        self._on_listed: list[Callable[[], None]] = []
        self.is_doubtful = False
        self._following: asyncio.Task[None] | None = None
        self._is_going_back = False
        self._rewound_at = -math.inf
        self._to_recall: WorkQueue[Key] = WorkQueue(f"recall-{scope.kind.plural}")
        self._synced = asyncio.Event()
        self._answered = asyncio.Event()

    def add_handler(self, handler: Handler) -> None:
        """`handler` sees every later change; objects that are here already come to it as added."""
        guarded = Guarded(handler)
        self._handlers.append(guarded)
        for item in list(self.store.all()):
            if (error := guarded(Change(None, item))) is not None:
                self._set_aside(item, error)

    def on_rewind(self, forget: Callable[[], None]) -> None:
        """`forget` is called before the store goes back to an earlier version, with a server restored from a backup.
        It may raise, to end the informer and the process with it."""
        self._on_rewind.append(forget)

    def on_certain(self, resume: Callable[[], None]) -> None:
        """`resume` is called when `is_doubtful` ends."""
        self._on_certain.append(resume)

    def on_listed(self, check: Callable[[], None]) -> None:
        """`check` is called when the store holds what was just listed."""
        self._on_listed.append(check)

    @property
    def is_denied(self) -> bool:
        return self._optional and self.refusal is not None

    @property
    def has_synced(self) -> bool:
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        """Returns once the first list is in the store and the handlers have seen it, or was denied."""
        await self._synced.wait()

    async def wait_answered(self) -> None:
        """Returns once the server has answered: it `has_synced`, or `refusal` says why not. While the server is away or
        busy it has not."""
        await self._answered.wait()

    def reconsider(self, item: Object) -> None:
        """Asks again how much of an object is wanted that is here in full: what that depends on has changed."""
        self._apply(item)

    def recall(self, key: Key) -> None:
        """More may be wanted of an object that is settled than its uid, since what that depends on has changed: it is
        read from the server, and `interest` is asked again. Nothing is done for one that is not settled."""
        if self.store.settled_uid(*key) is not None:
            self._to_recall.add(key)

    def go_back(self) -> None:
        """The server is known to have gone back, even if it is past the last version again: lists anew.

        Nothing is done where that was found out from the watch a moment ago.
        """
        if self._following is not None and time.monotonic() - self._rewound_at > _SAME_REWIND:
            self._is_going_back = True
            self._following.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        if self._after is not None:
            await self._after.wait_synced()
        this = asyncio.current_task()
        recalling = asyncio.create_task(self._read_recalled())
        try:
            while True:
                self._following = asyncio.create_task(self._follow())
                try:
                    await self._following
                except asyncio.CancelledError:
                    if not self._is_going_back or (this is not None and this.cancelling()):
                        raise
        finally:
            recalling.cancel()
            await asyncio.gather(recalling, return_exceptions=True)
            for key in (*(item.key for item in self.store.all()), *self.store.settled()):
                self.aside.clear((self.scope, key))

    async def _read_recalled(self) -> None:
        """One after the other, until cancelled: they are few."""
        while (key := await self._to_recall.get()) is not None:
            try:
                await self._read_again(*key)
            except (ApiError, Unreadable) as error:
                delay = self._to_recall.retry(key)
                log.info("recall_failed", kind=str(self.scope.kind), error=str(error), retry_in=delay)
            else:
                self._to_recall.forget(key)
            finally:
                self._to_recall.done(key)

    async def _read_again(self, namespace: str, name: str) -> None:
        found = await self._client.find(self.scope.kind, name, namespace=namespace)
        # Whatever the watch has reported meanwhile, that it is gone above all, is newer.
        if found is None or self.store.settled_uid(namespace, name) != found.metadata.uid:
            return
        found = self._kept(found)
        if self._wanted(found) is Interest.FULL:
            self._notify(self.store.unsettle(found))

    async def _follow(self) -> None:
        kind = str(self.scope.kind)
        size = metrics.informer_objects.labels(kind)
        events = watch(
            self._client,
            self.scope,
            interest=None if self._interest is None else self._wanted,
            keep=self._kept,
            on_denied=self._on_denied,
            on_doubt=self._doubt,
            timing=self._timing,
        )
        async with aclosing(events):
            async for event in events:
                match event:
                    case Listed(objects, settled, rewound):
                        self.refusal = None
                        if rewound or self._is_going_back:
                            self._rewind()
                        for change in self.store.replace(objects, settled):
                            self._notify(change)
                        self.aside.forget(self._is_unknown)
                        for check in self._on_listed:
                            check()
                        for item in objects:  # while it was listed, the answer may have become another
                            self.reconsider(item)
                        if not self._synced.is_set():
                            log.debug(
                                "informer_synced", kind=kind, objects=len(objects), settled=len(settled)
                            )
                            self._synced.set()
                            self._answered.set()
                        self._doubt(False)
                    case Applied(item):
                        self._apply(item)
                    case Deleted(item):
                        self._notify(self.store.remove(item))
                size.set(len(self.store))

    def _rewind(self) -> None:
        self._rewound_at, self._is_going_back = time.monotonic(), False
        for forget in self._on_rewind:
            forget()

    def _doubt(self, doubtful: bool) -> None:
        was, self.is_doubtful = self.is_doubtful, doubtful
        for resume in self._on_certain if was and not doubtful else ():
            resume()

    def _on_denied(self, error: ApiError) -> bool:
        self.refusal = error
        self._answered.set()
        if not self._optional:
            return False
        for change in self.store.replace(()):
            self._notify(change)
        self._doubt(False)
        metrics.informer_objects.labels(str(self.scope.kind)).set(0)
        self._synced.set()
        return True

    def _apply(self, item: Object) -> None:
        wanted = self._wanted(item)
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
        key, new = change.object.key, change.new
        trouble = self._troubles.pop(key, None)
        if trouble is None and new is not None and new.fault:
            trouble = Unreadable(new, new.fault)
        for handler in self._handlers:
            error = handler(change)
            trouble = trouble or error
        if trouble is not None and new is not None:
            self._set_aside(new, trouble)
        else:
            self.aside.clear((self.scope, key))

    # -- what may fail for one object -------------------------------------------------------------------

    def _set_aside(self, item: Object, error: Exception) -> None:
        self.aside.put((self.scope, item.key), self.scope.kind.kind, item, error)

    def _is_unknown(self, who: Hashable) -> bool:
        """Whether what was set aside here is not here any more."""
        if not (isinstance(who, tuple) and who[0] == self.scope):
            return False
        return self.store.get(*who[1]) is None and self.store.settled_uid(*who[1]) is None

    def _wanted(self, item: Object) -> Interest:
        if self._interest is None:
            return Interest.FULL
        try:
            return self._interest(item)
        except Exception as error:
            self._troubles.setdefault(item.key, error)
            return Interest.FULL

    def _kept(self, item: Object) -> Object:
        """Comes first of all for each state of an object."""
        if self._troubles:
            self._troubles.pop(item.key, None)
        try:
            return self._keep(item)
        except Exception as error:
            self._troubles[item.key] = error
            return item.reduced()

    def _not_indexed(self, item: Object, error: Exception) -> None:
        self._troubles.setdefault(item.key, error)
