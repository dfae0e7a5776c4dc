"""Read your own writes: a cache read that is never older than what this process wrote last.

An informer hears of our own write a few milliseconds later. Until then a reconciler that runs again would see
the old state and write the same thing twice, or meet a conflict. The answer to a write is the newest state:
it is kept here until the cache has caught up.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from controllers.kube.object import Object
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer

# How many of its own writes of one object are told from those of others.
_REMEMBERED: Final = 4


class OwnWrites:
    """A view of one informer's store, overlaid with this process's own writes and removals."""

    def __init__(self, informer: Informer) -> None:
        self._store = informer.store
        self._written: dict[Key, Object] = {}
        self._removed: dict[Key, str] = {}
        self._versions: dict[Key, deque[str]] = {}
        informer.add_handler(self._observe)
        informer.on_rewind(self._forget_all)

    def get(self, namespace: str, name: str) -> Object | None:
        key = (namespace, name)
        cached = self._store.get(namespace, name)
        if cached is not None and self._removed.get(key) == cached.metadata.uid:
            cached = None
        written = self._written.get(key)
        if written is None or (cached is not None and not written.newer_than(cached)):
            return cached
        return written

    def record(self, written: Object) -> Object:
        """Remembers the answer to a write; returns it."""
        # The watch may be faster than the answer: what the cache has been past already is no news, and
        # would stay for ever if the object is gone by now, as it is when its last finalizer was taken.
        if int(written.metadata.resource_version or 0) > self._store.version:
            self._written[written.key] = written
            versions = self._versions.setdefault(written.key, deque(maxlen=_REMEMBERED))
            versions.append(written.metadata.resource_version)
        return written

    def is_own(self, item: Object) -> bool:
        """Whether this very state was written by this process. A False may be wrong after many writes at once."""
        return item.metadata.resource_version in self._versions.get(item.key, ())

    def removed(self, gone: Object) -> None:
        """This process has made `gone` disappear: it is not shown until the cache has heard of it, too."""
        self.forget(*gone.key)
        cached = self._store.get(*gone.key)
        if cached is not None and cached.metadata.uid == gone.metadata.uid:
            self._removed[gone.key] = gone.metadata.uid

    def forget(self, namespace: str, name: str) -> None:
        """The object turned out not to exist, whatever was written."""
        self._written.pop((namespace, name), None)

    def _observe(self, change: Change) -> None:
        item = change.object
        if change.new is None:
            self._versions.pop(item.key, None)
        if self._removed.get(item.key) not in (None, change.new and change.new.metadata.uid):
            del self._removed[item.key]
        written = self._written.get(item.key)
        if written is not None and (change.new is None or not written.newer_than(change.new)):
            # A removal of an earlier object of the same name must not drop the later one.
            if change.new is None and written.metadata.uid != item.metadata.uid:
                return
            del self._written[item.key]

    def _forget_all(self) -> None:
        """What was written to a server that went back was never written; it would pass for newer than what is there."""
        self._written.clear()
        self._removed.clear()
        self._versions.clear()
