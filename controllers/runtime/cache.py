"""Objects by key, with indexes. One writer (an informer); everyone else reads.

Objects that need no attention any more may be settled: of them only the uid is remembered, so that a hub with tens of
thousands of finished Workflows does not keep them all in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from controllers.kube.object import Object

Key = tuple[str, str]
IndexFunction = Callable[[Object], Iterable[str]]

_NONE: Mapping[Key, str] = {}


class Change(NamedTuple):
    """How one object's state moved. `old` None: added, or it needs attention again; `new` None: removed, or settled."""

    old: Object | None
    new: Object | None

    @property
    def object(self) -> Object:
        """The newest state known."""
        latest = self.new or self.old
        if latest is None:
            raise ValueError("a change has an old or a new state")
        return latest


class Reader(Protocol):
    """What reconcilers may do with a cache. Objects are immutable."""

    def get(self, namespace: str, name: str) -> Object | None: ...
    def all(self) -> Iterator[Object]: ...
    def by_index(self, index: str, value: str) -> list[Object]: ...
    def count(self, index: str, value: str) -> int: ...
    def settled_uid(self, namespace: str, name: str) -> str | None: ...
    def settled(self) -> Iterator[Key]: ...
    def settled_named(self, name: str) -> list[Key]: ...
    def __len__(self) -> int: ...


def _raise(item: Object, error: Exception) -> None:
    raise error


class Store:
    """The writer's side. Index functions see metadata or decode what they need; they run once per change.

    An object that one of them fails for is in no entry of that index; `on_failure` is called with it.
    """

    def __init__(
        self,
        indexes: dict[str, IndexFunction] | None = None,
        on_failure: Callable[[Object, Exception], None] = _raise,
    ) -> None:
        self._on_failure = on_failure
        self._objects: dict[Key, Object] = {}
        self._functions = dict(indexes or {})
        self._indexes: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in self._functions}
        self._values: dict[Key, list[tuple[str, tuple[str, ...]]]] = {}
        self._settled: dict[Key, str] = {}
        self._settled_in: Counter[str] = Counter()  # by namespace
        # The newest resourceVersion that was heard of: every earlier change of the kind is in the store.
        self.version = 0

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Declares an index, before the first object; again with the same function is fine.

        ValueError when the name has another function or it is too late.
        """
        if self._functions.get(name) is function:
            return
        if name in self._functions or self._objects:
            raise ValueError(f"index {name!r} is declared twice or after the first object")
        self._functions[name] = function
        self._indexes[name] = {}

    # -- reading ----------------------------------------------------------------------------------------

    def get(self, namespace: str, name: str) -> Object | None:
        return self._objects.get((namespace, name))

    def all(self) -> Iterator[Object]:
        """Every object. Do not await while iterating: the writer may change the store."""
        return iter(self._objects.values())

    def by_index(self, index: str, value: str) -> list[Object]:
        """Objects whose index function gave `value`. KeyError for an index that was not declared."""
        return [self._objects[key] for key in self._indexes[index].get(value, ())]

    def count(self, index: str, value: str) -> int:
        """How many objects `by_index` would give."""
        return len(self._indexes[index].get(value, ()))

    def settled_uid(self, namespace: str, name: str) -> str | None:
        """The uid of a settled object; None when there is none of that name, or it is here in full."""
        return self._settled.get((namespace, name))

    def settled(self) -> Iterator[Key]:
        """Keys of the settled objects."""
        return iter(self._settled)

    def settled_named(self, name: str) -> list[Key]:
        """Keys of the settled objects of this name, in whatever namespace. Costs one lookup a namespace."""
        return [(namespace, name) for namespace in self._settled_in if (namespace, name) in self._settled]

    def __len__(self) -> int:
        return len(self._objects)

    # -- writing ----------------------------------------------------------------------------------------

    def apply(self, new: Object) -> Change | None:
        """Puts `new` in. None when it is not newer than what is here (a replay after a reconnect)."""
        self._heard(new)
        old = self._objects.get(new.key)
        if old is not None and old.metadata.uid == new.metadata.uid and not new.newer_than(old):
            return None
        return self._put(old, new)

    def remove(self, gone: Object) -> Change | None:
        """Takes the object out. None when it was not here, neither in full nor settled."""
        self._heard(gone)
        settled = self._unsettle(gone.key)
        old = self._objects.pop(gone.key, None)
        if old is None:
            return None if settled is None else Change(gone, None)
        self._unindex(gone.key)
        return Change(gone, None)

    def settle(self, item: Object) -> Change | None:
        """Forgets all of the object but its uid. None when it was not here in full."""
        self._heard(item)
        if item.key not in self._settled:
            self._settled_in[item.key[0]] += 1
        self._settled[item.key] = item.metadata.uid
        old = self._objects.pop(item.key, None)
        if old is None:
            return None
        self._unindex(item.key)
        return Change(old, None)

    def replace(self, objects: Iterable[Object], settled: Mapping[Key, str] = _NONE) -> list[Change]:
        """Makes the store hold exactly `objects`, and remember `settled` (uids by key); returns what that changed.

        A list is the truth even where its versions are lower: etcd may have been restored from a backup.
        """
        fresh = {item.key: item for item in objects}
        missing = [item for key, item in self._objects.items() if key not in fresh]
        changes = [change for item in missing if (change := self.remove(item)) is not None]
        self._settled = dict(settled)
        self._settled_in = Counter(namespace for namespace, _ in settled)
        self.version = 0
        for item in fresh.values():
            self._heard(item)
        for key, item in fresh.items():
            old = self._objects.get(key)
            if old is None or old.raw != item.raw:
                changes.append(self._put(old, item))
        return changes

    def unsettle(self, item: Object) -> Change | None:
        """Takes in, in full, an object of which only the uid was remembered; None when it is gone or here already.

        It was read apart from the watch, and says nothing of how far that is.
        """
        if self._settled.get(item.key) != item.metadata.uid:
            return None
        return self._put(None, item)

    def _unsettle(self, key: Key) -> str | None:
        uid = self._settled.pop(key, None)
        if uid is not None:
            self._settled_in[key[0]] -= 1
            if not self._settled_in[key[0]]:
                del self._settled_in[key[0]]
        return uid

    def _heard(self, item: Object) -> None:
        self.version = max(self.version, int(item.metadata.resource_version or 0))

    def _put(self, old: Object | None, new: Object) -> Change:
        self._unsettle(new.key)
        self._objects[new.key] = new
        self._unindex(new.key)
        self._index(new)
        return Change(old, new)

    def _index(self, item: Object) -> None:
        if not self._functions:
            return
        values = [(name, self._found(function, item)) for name, function in self._functions.items()]
        self._values[item.key] = values
        for name, found in values:
            for value in found:
                self._indexes[name].setdefault(value, {})[item.key] = None

    def _found(self, function: IndexFunction, item: Object) -> tuple[str, ...]:
        try:
            return tuple(function(item))
        except Exception as error:
            self._on_failure(item, error)
            return ()

    def _unindex(self, key: Key) -> None:
        for name, values in self._values.pop(key, ()):
            for value in values:
                keys = self._indexes[name].get(value)
                if keys is not None:
                    keys.pop(key, None)
                    if not keys:
                        del self._indexes[name][value]
