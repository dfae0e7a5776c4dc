"""Workflows that no cluster had room for, with what they need: who may go when a cluster reports room.

All of ten thousand that wait would otherwise be looked at with every report of every cluster. One writer, the
placement controller; owns no decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from controllers.hub import is_finished
from controllers.kube.object import Object
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer
from placement.capacity.need import Need
from placement.capacity.room import fits


class Backlog:
    """Forgets by itself those that get a cluster, end or go."""

    def __init__(self, workflows: Informer) -> None:
        self._waiting: dict[Key, tuple[str, Need]] = {}
        self._order: list[Key] | None = []
        workflows.add_handler(self._observe)

    def put(self, workflow: Object, need: Need) -> None:
        """There is no room for it now."""
        entry = (workflow.metadata.creation_timestamp, need)
        if self._waiting.get(workflow.key) != entry:
            self._waiting[workflow.key] = entry
            self._order = None

    def take(self, workflow: Key) -> None:
        """It waits for room no more."""
        if self._waiting.pop(workflow, None) is not None:
            self._order = None

    def fitting(self, room: Need) -> Iterator[Key]:
        """Those that have room together, the eldest first; one that is too big is passed over."""
        if self._order is None:
            self._order = sorted(self._waiting, key=lambda key: (self._waiting[key][0], key))
        for key in tuple(self._order):
            if room.pods < 1:
                return
            need = self._waiting[key][1]
            if fits(room, need) >= 1:
                room = room.minus(need.at_least(Need(pods=1)))
                yield key

    def _observe(self, change: Change) -> None:
        item: Object = change.object
        if change.new is None or is_finished(item) or placed_cluster(item):
            self.take(item.key)
