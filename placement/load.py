"""How many unfinished Workflows each cluster has, counting those that were placed a moment ago.

The cache hears of a placement some milliseconds after it was made; a burst would all go to the same cluster
if each decision were counted only then. Owns no decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controllers.api import keys
from controllers.hub import is_finished
from controllers.kube.object import Object
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Change, Key
from controllers.runtime.informer import Informer

ACTIVE_ON = "active-on"


def active_on(workflow: Object) -> Iterable[str]:
    """Index function of ACTIVE_ON: the cluster of a placed, unfinished Workflow."""
    cluster = placed_cluster(workflow)
    # One that has ended stays so, though an edit may have taken its labels away for a moment.
    is_complete = workflow.metadata.annotations.get(keys.STATUS_ANNOTATION) == keys.STATUS_COMPLETE
    if cluster and not is_finished(workflow) and not is_complete:
        yield cluster


class ClusterLoad:
    """Counts by cluster. `assume` a placement before it is written, `retract` it when the write failed."""

    def __init__(self, workflows: Informer) -> None:
        workflows.store.add_index(ACTIVE_ON, active_on)
        workflows.add_handler(self._observe)
        self._store = workflows.store
        self._assumed: dict[Key, tuple[str, str]] = {}  # with the cluster that it had before

    def assume(self, workflow: Key, cluster: str) -> None:
        found = self._store.get(*workflow)
        self._assumed[workflow] = (cluster, _cluster_of(found) if found is not None else "")

    def retract(self, workflow: Key) -> None:
        self._assumed.pop(workflow, None)

    def of(self, clusters: Iterable[str]) -> Mapping[str, int]:
        """Unfinished Workflows on each of `clusters`."""
        counts = {cluster: self._store.count(ACTIVE_ON, cluster) for cluster in clusters}
        for cluster, _ in self._assumed.values():
            if cluster in counts:
                counts[cluster] += 1
        return counts

    def _observe(self, change: Change) -> None:
        key = change.object.key
        assumed = self._assumed.get(key)
        if assumed is not None and (change.new is None or _cluster_of(change.new) != assumed[1]):
            self.retract(key)


def _cluster_of(workflow: Object) -> str:
    return placed_cluster(workflow)
