"""What evaluations read of the hub, decoded once per change and kept: the cost of one does not grow with what is
decoded, only with what is compared. Owns no decision. One writer, the informers; it is written in their handlers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.api.placement import Placement, PlacementDecision
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer
from controllers.runtime.informers import Informers
from controllers.runtime.scope import Scope
from placement.evaluator.answers import Answers
from placement.evaluator.expressions import Expressions
from placement.evaluator.snapshot import Snapshot, selected

M = TypeVar("M")


class Decoded(Generic[M]):
    """The objects of an informer as models, by key. Do not await while iterating."""

    def __init__(self, informer: Informer, model: type[M]) -> None:
        self._model = model
        self._informer = informer
        self._items: dict[Key, M] = {}
        self.by_key: Mapping[Key, M] = self._items
        self.changes = 0
        informer.add_handler(self._observe)

    def is_unreadable(self, key: Key) -> bool:
        """Whether the object is there, and is no such model since its content is broken."""
        return key not in self._items and self._informer.store.get(*key) is not None

    def _observe(self, change: Change) -> None:
        key = change.object.key
        self.changes += 1
        if change.new is None:
            self._items.pop(key, None)
        else:
            self._items[key] = change.new.decode(self._model)


class Selections:
    """How often each cluster is selected, by all Placements together and by each."""

    def __init__(self, decisions: Informer) -> None:
        self._pages: dict[Key, tuple[Key, Counter[str]]] = {}
        self._by_placement: dict[Key, Counter[str]] = {}
        self._all: Counter[str] = Counter()
        self.changes = 0
        decisions.add_handler(self._observe)

    def elsewhere(self, placement: Key) -> dict[str, int]:
        """`Snapshot.elsewhere` for the Placement of this key."""
        own = self._by_placement.get(placement)
        if not own:
            return dict(self._all)
        return {name: left for name, count in self._all.items() if (left := count - own[name])}

    def _observe(self, change: Change) -> None:
        key = change.object.key
        self.changes += 1
        before = self._pages.pop(key, None)
        if before is not None:
            self._count(*before, -1)
        if change.new is not None:
            meta = change.new.metadata
            placement = (meta.namespace, meta.labels.get(keys.PLACEMENT_LABEL, ""))
            found = Counter(selected([change.new.decode(PlacementDecision)]))
            self._pages[key] = (placement, found)
            self._count(placement, found, 1)

    def _count(self, placement: Key, found: Counter[str], sign: int) -> None:
        own = self._by_placement.setdefault(placement, Counter())
        for counter in (own, self._all):
            for name, count in found.items():
                counter[name] += sign * count
                if not counter[name]:
                    del counter[name]
        if not own:
            del self._by_placement[placement]


class Hub:
    """Snapshots for Placements."""

    def __init__(
        self,
        *,
        placements: Informer,
        decisions: Informer,
        clusters: Informer,
        cluster_sets: Informer,
        bindings: Informer,
        scores: Informer,
    ) -> None:
        self.placements = Decoded(placements, Placement)
        self.clusters = Decoded(clusters, ManagedCluster)
        self.cluster_sets = Decoded(cluster_sets, ManagedClusterSet)
        self.bindings = Decoded(bindings, ManagedClusterSetBinding)
        self.scores = Decoded(scores, AddOnPlacementScore)
        self.expressions = Expressions.with_worker()
        self._selections = Selections(decisions)

    @classmethod
    def of(cls, informers: Informers) -> Hub:
        """The one of this process."""
        return informers.shared(
            cls,
            lambda: cls(
                placements=informers.of(Scope(PLACEMENT)),
                decisions=informers.of(Scope(PLACEMENT_DECISION)),
                clusters=informers.of(Scope(MANAGED_CLUSTER)),
                cluster_sets=informers.of(Scope(MANAGED_CLUSTER_SET)),
                bindings=informers.of(Scope(MANAGED_CLUSTER_SET_BINDING)),
                # After the clusters: what is wrong with a score is reported on its cluster.
                scores=informers.of(Scope(ADDON_PLACEMENT_SCORE), after=informers.of(Scope(MANAGED_CLUSTER))),
            ),
        )

    @property
    def changes(self) -> int:
        """Counts what has changed of all that evaluations read."""
        read = (self.placements, self.clusters, self.cluster_sets, self.bindings, self.scores)
        return sum(item.changes for item in read) + self._selections.changes

    def snapshot(self, placement: Key, decisions: list[PlacementDecision], now: datetime) -> Snapshot:
        """As the Placement of this key sees the hub; `decisions` are its own pages."""
        namespace, _ = placement
        return Snapshot(
            clusters=list(self.clusters.by_key.values()),
            cluster_sets=list(self.cluster_sets.by_key.values()),
            bindings=[item for item in self.bindings.by_key.values() if item.metadata.namespace == namespace],
            decisions=decisions,
            elsewhere=self._selections.elsewhere(placement),
            scores=self.scores.by_key,
            now=now,
            cel=Answers(self.scores.by_key, self.expressions),
        )
