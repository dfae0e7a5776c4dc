"""What an evaluation depends on besides the Placement itself, read at one moment. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.placement import PlacementDecision
from placement.evaluator.answers import Answers

# The AddOnPlacementScore that a cluster has under a name; None: it has none.
ScoresOf = Callable[[str, str], AddOnPlacementScore | None]

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """The hub as one Placement sees it. The order of the sequences carries no meaning.

    `clusters`, `cluster_sets`: all of the hub. `bindings`: those of the Placement's namespace. `decisions`: the
    Placement's own pages. `elsewhere`: by cluster, how often other Placements have selected it. `scores`: by cluster
    and name. `now`: an aware time, which tolerations and scores run out by. `cel`: what CEL selectors say of the
    clusters.
    """

    clusters: Sequence[ManagedCluster] = ()
    cluster_sets: Sequence[ManagedClusterSet] = ()
    bindings: Sequence[ManagedClusterSetBinding] = ()
    decisions: Sequence[PlacementDecision] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], AddOnPlacementScore] = field(default_factory=dict)
    now: datetime = _BEGINNING
    cel: Answers = field(default_factory=Answers, compare=False)

    def scores_of(self, cluster: str, name: str) -> AddOnPlacementScore | None:
        """The AddOnPlacementScore of this name that the cluster has; None: it has none."""
        return self.scores.get((cluster, name))

    @property
    def decided(self) -> frozenset[str]:
        """Names of the clusters that the Placement has selected so far."""
        return frozenset(selected(self.decisions))


def selected(pages: Iterable[PlacementDecision]) -> Iterable[str]:
    """Cluster names on the pages, one for each time that a page lists it."""
    return (decision.cluster_name for page in pages for decision in page.status.decisions)
