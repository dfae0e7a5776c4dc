"""What an evaluation depends on besides the Placement itself, read at one moment. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.placement import PlacementDecision


@dataclass(frozen=True)
class Snapshot:
    """The hub as one Placement sees it. The order of the sequences carries no meaning.

    `clusters`, `cluster_sets`: all of the hub. `bindings`: those of the Placement's namespace. `decisions`: the
    Placement's own pages. `elsewhere`: by cluster, how often other Placements have selected it.
    """

    clusters: Sequence[ManagedCluster] = ()
    cluster_sets: Sequence[ManagedClusterSet] = ()
    bindings: Sequence[ManagedClusterSetBinding] = ()
    decisions: Sequence[PlacementDecision] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)

    @property
    def decided(self) -> frozenset[str]:
        """Names of the clusters that the Placement has selected so far."""
        return frozenset(selected(self.decisions))


def selected(pages: Iterable[PlacementDecision]) -> Iterable[str]:
    """Cluster names on the pages, one for each time that a page lists it."""
    return (decision.cluster_name for page in pages for decision in page.status.decisions)


def selected_elsewhere(pages: Iterable[PlacementDecision], namespace: str, placement: str) -> Counter[str]:
    """`Snapshot.elsewhere` from all pages of the hub, for the Placement of this namespace and name."""
    return Counter(
        selected(
            page
            for page in pages
            if (page.metadata.namespace, page.metadata.labels.get(keys.PLACEMENT_LABEL))
            != (namespace, placement)
        )
    )
