"""What the agent's works have put on the managed cluster, watched: one informer per kind, started when the first
work delivers that kind, which holds only objects that a work of this hub owns, and the orphans of its works, which
nothing but their names tells from others' objects. An object that works only look at (ReadOnly) has a watch of its
own."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from agent.decide.finished import has_ended
from agent.decide.naming import Hub
from controllers.api.kinds import APPLIED_MANIFEST_WORK, Kind
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.aside import SetAside
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.scope import Interest, InterestFunction, Scope

log = structlog.get_logger(__name__)

# Seconds for which an answer of the API server is waited for.
_SYNC_DEADLINE = 15.0


class CannotWatchError(Exception):
    """The objects of a kind could not be listed: not allowed to, or the API server does not answer in time."""


@dataclass
class _Watched:
    informer: Informer
    view: OwnWrites
    lookers: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


def owning_works(item: Object, hub: Hub) -> list[str]:
    """Names of the works of `hub` that own the object."""
    found = (
        hub.work_of(owner.name)
        for owner in item.metadata.owner_references
        if owner.kind == APPLIED_MANIFEST_WORK.kind
    )
    return [name for name in found if name is not None]


class ManagedObjects:
    """`on_change` is called with the name of each work whose object has changed, `on_watchable` with a kind that could
    not be watched, once it can."""

    def __init__(
        self,
        client: Client,
        hub: Hub,
        on_change: Callable[[str], None],
        on_watchable: Callable[[Kind], None],
        aside: SetAside,
    ) -> None:
        self._client = client
        self._hub = hub
        self._on_change = on_change
        self._on_watchable = on_watchable
        self._aside = aside
        self._watched: dict[Scope, _Watched] = {}
        self._orphans: dict[Kind, dict[Key, set[str]]] = {}
        self._ended: set[tuple[Kind, str, str]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Runs the informers until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            for scope in self._watched:
                self._run(scope)
            await asyncio.Event().wait()

    async def of(self, kind: Kind) -> OwnWrites:
        """The owned objects of `kind` as this process knows them. Raises CannotWatchError."""
        scope = Scope(kind)
        if scope not in self._watched:
            orphans = self._orphans.setdefault(kind, {})

            def interest(item: Object) -> Interest:
                is_ours = item.key in orphans or owning_works(item, self._hub)
                return Interest.FULL if is_ours else Interest.NONE

            self._start(scope, interest)
        return await self._synced(scope)

    async def keep(self, work: str, kind: Kind, orphan: Object) -> None:
        """Has an object of `work` watched that it does not own. Raises CannotWatchError, ApiError."""
        await self.of(kind)
        orphans, informer = self._orphans[kind], self._watched[Scope(kind)].informer
        orphans.setdefault(orphan.key, set()).add(work)
        if informer.store.get(*orphan.key) is not None:
            return
        informer.reconsider(orphan)
        # That it was deleted before it was in the store, no event will tell any more.
        now = await self._client.find(kind, orphan.metadata.name, namespace=orphan.metadata.namespace)
        if now is None or now.metadata.uid != orphan.metadata.uid:
            works = orphans.pop(orphan.key, set())
            informer.reconsider(orphan)
            orphans[orphan.key] = works
            self._on_change(work)

    def saw_end(self, kind: Kind, namespace: str, name: str) -> bool:
        """Whether an owned object that is gone had come to its end (`agent.decide.finished`)."""
        return (kind, namespace, name) in self._ended

    def forget_end(self, kind: Kind, namespace: str, name: str) -> None:
        """It is noted elsewhere."""
        self._ended.discard((kind, namespace, name))

    async def seen_by(self, work: str, kind: Kind, namespace: str, name: str) -> Object | None:
        """An object that `work` looks at without owning it, from now on watched. Raises CannotWatchError."""
        scope = Scope(kind, namespace=namespace, field_selector=f"metadata.name={_escaped(name)}")
        if scope not in self._watched:
            self._start(scope, None)
        self._watched[scope].lookers.add(work)
        return (await self._synced(scope)).get(namespace, name)

    def forget(self, work: str) -> None:
        """`work` is gone: what only it has looked at, or left as an orphan, is watched no longer."""
        for kind, orphans in self._orphans.items():
            for key in [key for key, works in orphans.items() if work in works]:
                orphans[key].discard(work)
                if not orphans[key]:
                    del orphans[key]
                    self._let_go(kind, key)
        for scope, watched in list(self._watched.items()):
            if work in watched.lookers:
                watched.lookers.discard(work)
                if not watched.lookers:
                    del self._watched[scope]
                    if watched.task is not None:
                        watched.task.cancel()

    def drop(self, kind: Kind) -> set[str]:
        """The cluster does not serve `kind` as it did: it is watched no longer. Returns the works that it concerns."""
        works: set[str] = set()
        for scope in [scope for scope in self._watched if scope.kind == kind]:
            watched = self._watched.pop(scope)
            works |= watched.lookers
            for item in watched.informer.store.all():
                works.update(self._works_of(scope, item))
            if watched.task is not None:
                watched.task.cancel()
        return works

    async def _synced(self, scope: Scope) -> OwnWrites:
        watched = self._watched[scope]
        informer = watched.informer
        what = f"the agent cannot list and watch {scope.kind} on the managed cluster"
        try:
            async with asyncio.timeout(_SYNC_DEADLINE):
                await informer.wait_answered()
        except TimeoutError as error:
            raise CannotWatchError(f"{what}: see watch_failed in its log") from error
        if informer.refusal is not None and not informer.has_synced:
            raise CannotWatchError(f"{what}: {informer.refusal.message}")
        return watched.view

    def _let_go(self, kind: Kind, key: Key) -> None:
        watched = self._watched.get(Scope(kind))
        item = watched.informer.store.get(*key) if watched is not None else None
        if watched is not None and item is not None:
            watched.informer.reconsider(item)

    def _works_of(self, scope: Scope, item: Object) -> set[str]:
        """Those that own an object, or have left it as an orphan."""
        return {*owning_works(item, self._hub), *self._orphans.get(scope.kind, {}).get(item.key, ())}

    def _note_end(self, kind: Kind, change: Change) -> None:
        """An object that its time to live removes at once is gone before anybody looks at it."""
        key = (kind, *change.object.key)
        if change.new is not None:
            self._ended.discard(key)
        elif change.old is not None and has_ended(change.old):
            self._ended.add(key)

    def _start(self, scope: Scope, interest: InterestFunction | None) -> None:
        informer = Informer(self._client, scope, interest=interest, aside=self._aside)
        watched = _Watched(informer, OwnWrites(informer))
        self._watched[scope] = watched

        def observe(change: Change) -> None:
            self._note_end(scope.kind, change)
            concerned = watched.lookers if interest is None else self._works_of(scope, change.object)
            for name in list(concerned):
                self._on_change(name)

        informer.add_handler(observe)
        informer.on_certain(lambda: self._on_watchable(scope.kind))
        if self._tasks is not None:
            self._run(scope)
        log.info("kind_watched", kind=str(scope.kind), selector=scope.field_selector)

    def _run(self, scope: Scope) -> None:
        if self._tasks is None:
            raise RuntimeError("not running")
        watched = self._watched[scope]
        # A context of its own, or what it logs would carry the name of the work that happened to start it.
        watched.task = self._tasks.create_task(
            watched.informer.run(), name=f"informer:{scope.kind}", context=contextvars.Context()
        )


def _escaped(value: str) -> str:
    """As a field selector takes a value."""
    return value.translate({ord(character): f"\\{character}" for character in "\\,="})
