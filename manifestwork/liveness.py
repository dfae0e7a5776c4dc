"""Which clusters have an agent that was heard of lately. Decides nothing: one that is silent may be idle or dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer

# Seconds. As long as an agent may be silent between two renewals of its lease (OCM's default).
LATELY: Final = 60.0


class Agents:
    """Listens to what only agents write: status results, and the status of ManifestWorks.

    `clock` gives monotonic seconds. What is there at the start says nothing of when it was written.
    """

    def __init__(
        self, *, works: Informer, results: Informer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._heard: dict[str, float] = {}

        def on_work(change: Change) -> None:
            old, new = change
            if old is not None and new is not None and old.metadata.generation == new.metadata.generation:
                self._note(new.metadata.namespace)

        def on_result(change: Change) -> None:
            if change.new is not None and results.has_synced:
                self._note(change.new.metadata.namespace)

        works.add_handler(on_work)
        results.add_handler(on_result)

    def heard_lately(self, cluster: str) -> bool:
        """Whether the agent of `cluster` has written something in the last LATELY seconds."""
        heard = self._heard.get(cluster)
        return heard is not None and self._clock() - heard < LATELY

    def _note(self, cluster: str) -> None:
        self._heard[cluster] = self._clock()
