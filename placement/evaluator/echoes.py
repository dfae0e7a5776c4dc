"""Which changes a watch tells of are the evaluator's own writes, come back: nothing is to be done about those.

Each decision of a Placement comes back twice, and its status once. To look at them anew would double the evaluations
of a hub, and, with scores that depend on other Placements' decisions, now and then change one.
"""

from __future__ import annotations

from typing import Final

from controllers.api.kinds import Kind
from controllers.kube.object import Object
from controllers.runtime.cache import Change, Key

# Writes of one object that follow each other: it is made, labelled, and given a status.
_KEPT: Final = 3


class Echoes:
    """`note` the answer to each write. A change that comes before the answer is not told apart, and costs no more than
    one evaluation."""

    def __init__(self) -> None:
        self._written: dict[tuple[Kind, Key], tuple[str, ...]] = {}

    def note(self, kind: Kind, written: Object) -> Object:
        """Remembers the answer to a write; returns it."""
        key = (kind, written.key)
        versions = (*self._written.get(key, ()), written.metadata.resource_version)
        self._written[key] = versions[-_KEPT:]
        return written

    def has_made(self, kind: Kind, change: Change) -> bool:
        """Whether the state that is told of was written here."""
        key = (kind, change.object.key)
        if change.new is None:
            self._written.pop(key, None)
            return False
        return change.new.metadata.resource_version in self._written.get(key, ())
