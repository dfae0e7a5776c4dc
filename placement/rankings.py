"""The order of a Placement's clusters by its prioritizers, which its decisions don't show: they are sorted by name."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from controllers.misconfigured import Misconfigured
from controllers.runtime.cache import Key
from controllers.runtime.clock import now
from placement.evaluator import prioritizers
from placement.evaluator.hub import Hub
from placement.evaluator.prioritizers import Ranking


class Rankings:
    """Of any Placement, whoever has decided it. Kept until something on the hub changes that scores depend on."""

    def __init__(self, hub: Hub, now: Callable[[], datetime.datetime] = now) -> None:
        self._hub = hub
        self._now = now
        self._known: dict[Key, tuple[object, Ranking]] = {}

    def of(self, placement: Key, clusters: Sequence[str]) -> Ranking:
        """Of its selected clusters; empty where that can't be told."""
        stamp = (self._hub.changes, tuple(clusters))
        known = self._known.get(placement)
        if known is None or known[0] != stamp or _is_over(known[1], self._now()):
            known = self._known[placement] = (stamp, self._computed(placement, clusters))
        return known[1]

    def _computed(self, placement: Key, clusters: Sequence[str]) -> Ranking:
        found = self._hub.placements.by_key.get(placement)
        if found is None:
            return Ranking()
        by_key = self._hub.clusters.by_key
        there = [by_key["", name] for name in clusters if ("", name) in by_key]
        try:
            weights, _ = prioritizers.usable(prioritizers.weights(found.spec.prioritizer_policy))
        except Misconfigured:
            return Ranking()
        # Steady says the same of all that are selected, so the decisions are not needed.
        return prioritizers.rank(there, weights, self._hub.snapshot(placement, [], self._now()))


def _is_over(ranking: Ranking, moment: datetime.datetime) -> bool:
    return ranking.until is not None and ranking.until <= moment
