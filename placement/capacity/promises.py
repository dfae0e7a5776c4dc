"""What was given away on each cluster and is not in its report yet: the need of Workflows that were placed there and do
not run, or have not run for long.

Without it a burst would all find the same room. One writer, the placement controller; owns no decision.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from controllers.api import keys
from controllers.hub import is_finished
from controllers.kube.object import Object
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer
from placement.capacity.need import NOTHING, Need

# Seconds after which the pods of a Workflow that runs are in its cluster's report.
REPORTED_AFTER: Final = 20.0


class Promises:
    """`clock` gives monotonic seconds."""

    def __init__(self, workflows: Informer, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._given: dict[Key, tuple[str, Need]] = {}
        self._sums: dict[str, tuple[int, Need]] = {}
        # In order: each ends equally long after its Workflow began to run.
        self._ends: deque[tuple[float, Key, str]] = deque()
        workflows.add_handler(self._observe)

    def give(self, workflow: Key, cluster: str, need: Need) -> None:
        """Before the placement is written; `take_back` when that failed."""
        self.take_back(workflow)
        self._given[workflow] = (cluster, need)
        self._add(cluster, 1, need)

    def take_back(self, workflow: Key) -> None:
        given = self._given.pop(workflow, None)
        if given is not None:
            cluster, need = given
            self._add(cluster, -1, NOTHING.minus(need))

    def on(self, cluster: str) -> Need:
        """What is given away on the cluster."""
        while self._ends and self._ends[0][0] <= self._clock():
            _, workflow, on = self._ends.popleft()
            if workflow in self._given and self._given[workflow][0] == on:
                self.take_back(workflow)
        return self._sums.get(cluster, (0, NOTHING))[1]

    def _add(self, cluster: str, count: int, need: Need) -> None:
        before, total = self._sums.get(cluster, (0, NOTHING))
        if before + count:
            self._sums[cluster] = (before + count, total.plus(need))
        else:
            self._sums.pop(cluster, None)  # with the rounding errors of its sum

    def _observe(self, change: Change) -> None:
        item = change.object
        if item.key not in self._given:
            return
        if change.new is None or is_finished(item):
            self.take_back(item.key)
        elif _runs(item) and not (change.old is not None and _runs(change.old)):
            cluster, _ = self._given[item.key]
            self._ends.append((self._clock() + REPORTED_AFTER, item.key, cluster))


def _runs(workflow: Object) -> bool:
    return workflow.metadata.labels.get(keys.PHASE_LABEL, "") not in ("", "Pending")
