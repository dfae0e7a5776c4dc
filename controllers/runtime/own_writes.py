"""Read your own writes: a cache read that is never older than what this process wrote last.

An informer hears of our own write a few milliseconds later. Until then a reconciler that runs again would see
the old state and write the same thing twice, or meet a conflict. The answer to a write is the newest state:
it is kept here until the cache has caught up.
"""

from __future__ import annotations

from controllers.kube.object import Object
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer


class OwnWrites:
    """A view of one informer's store, overlaid with this process's own writes."""

    def __init__(self, informer: Informer) -> None:
        self._store = informer.store
        self._written: dict[Key, Object] = {}
        informer.add_handler(self._observe)

    def get(self, namespace: str, name: str) -> Object | None:
        cached = self._store.get(namespace, name)
        written = self._written.get((namespace, name))
        if written is None or (cached is not None and not written.newer_than(cached)):
            return cached
        return written

    def record(self, written: Object) -> Object:
        """Remembers the answer to a write; returns it."""
        cached = self._store.get(*written.key)
        if cached is None or written.newer_than(cached):
            self._written[written.key] = written
        return written

    def forget(self, namespace: str, name: str) -> None:
        """The object turned out not to exist, whatever was written."""
        self._written.pop((namespace, name), None)

    def _observe(self, change: Change) -> None:
        written = self._written.get(change.object.key)
        if written is not None and (change.new is None or not written.newer_than(change.new)):
            # A removal of an earlier object of the same name must not drop the later one.
            if change.new is None and written.metadata.uid != change.object.metadata.uid:
                return
            del self._written[change.object.key]
