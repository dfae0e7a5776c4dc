"""Objects that are set aside: what somebody here could not read, index or handle. Counted, said once, healed by change.

Anybody who may write an object decides what is in it, and an API server lets much through: arrays where times are
declared, years that no calendar has, ten thousand levels of nesting. Whoever meets such a thing reports it here and
carries on with the others. The object itself stays where it is, known by its metadata. Decides nothing.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

import structlog

from controllers.api.echo import echoed
from controllers.kube.object import Object, Unreadable
from controllers.runtime import metrics
from controllers.runtime.cache import Change, Key
from controllers.runtime.events import Recorder

log = structlog.get_logger(__name__)

Handler = Callable[[Change], None]

REASON: Final = "SetAside"

# Seconds after which the same is said of the same object once more, should it be healed and broken in between: who
# writes an object every second does not fill the log with it.
_SAY_AGAIN: Final = 600.0
_REMEMBERED: Final = 4_096


class _Entry(NamedTuple):
    kind: str
    key: Key


class SetAside:
    """The registry of one process and API server.

    `regarding` gives the object that an Event is about: an object of a cluster's agent is of interest on its
    ManagedCluster. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        regarding: Callable[[str, Object], Object] = lambda _, item: item,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._regarding = regarding
        self._clock = clock
        self._entries: dict[Hashable, _Entry] = {}
        self._counts: Counter[_Entry] = Counter()
        self._said: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def put(self, who: Hashable, kind: str, item: Object, error: Exception) -> None:
        """`who` can do nothing with `item`, a `kind`, because of `error`; said once, whoever else meets it."""
        entry = _Entry(kind, item.key)
        if self._entries.get(who) != entry:
            self.clear(who)
            self._entries[who] = entry
            self._counts[entry] += 1
            if self._counts[entry] == 1:
                metrics.set_aside.labels(kind).inc()
        self._say(kind, item, error)

    def clear(self, who: Hashable) -> None:
        """`who` has nothing set aside any more. To be called for each success: it costs next to nothing."""
        entry = self._entries.pop(who, None) if self._entries else None
        if entry is None:
            return
        self._counts[entry] -= 1
        if not self._counts[entry]:
            del self._counts[entry]
            metrics.set_aside.labels(entry.kind).dec()
            log.info("object_heeded_again", kind=entry.kind, namespace=entry.key[0], name=entry.key[1])

    def forget(self, gone: Callable[[Hashable], bool]) -> None:
        """As `clear`, for all whom `gone` names."""
        for who in [who for who in self._entries if gone(who)]:
            self.clear(who)

    def _say(self, kind: str, item: Object, error: Exception) -> None:
        namespace, name = item.key
        why = error.why if isinstance(error, Unreadable) else echoed(f"{type(error).__name__}: {error}")
        what, now = (kind, item.metadata.uid or "/".join(item.key), why), self._clock()
        if now - self._said.get(what, -_SAY_AGAIN) < _SAY_AGAIN:
            return
        self._said[what] = now
        self._said.move_to_end(what)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        # What is no matter of reading may be a fault of ours: then the place where it happened is worth its lines.
        trace = {} if isinstance(error, Unreadable) else {"exc_info": error}
        log.warning("object_set_aside", kind=kind, namespace=namespace, name=name, why=why, **trace)
        if self._recorder is not None:
            text = f"{kind} {'/'.join(filter(None, item.key))} is set aside until it changes: {why}"
            self._recorder.warning_once(self._regarding(kind, item), REASON, text)


class Guarded:
    """A handler for which an object that it cannot take is not there.

    It gets a change by which the object goes, and one by which it comes when there is a state of it that the handler
    can take. So a handler never has to undo half of its work, and what it keeps of the object goes.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._missing: set[Key] = set()

    def __call__(self, change: Change) -> Exception | None:
        """What the handler has raised."""
        if self._missing and change.object.key in self._missing:
            self._missing.discard(change.object.key)
            if change.new is None:
                return None
            change = Change(None, change.new)
        try:
            self._handler(change)
        except Exception as error:
            if change.new is not None:
                self._missing.add(change.new.key)
                if change.old is not None:
                    self._gone(change.old)
            return error
        return None

    def _gone(self, old: Object) -> None:
        try:
            self._handler(Change(old, None))
        except Exception as error:
            log.debug("handler_failed", error=str(error))
