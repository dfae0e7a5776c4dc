"""How many Workflows each cluster has, with those that were placed a moment ago."""

from __future__ import annotations

from typing import cast

import msgspec

from controllers.api import keys
from controllers.hub import WORKFLOWS
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.informer import Informer
from placement.load import ClusterLoad


class Hub:
    """An informer that is told of changes by hand."""

    def __init__(self) -> None:
        self.informer = Informer(cast("Client", None), WORKFLOWS)
        self.load = ClusterLoad(self.informer)
        self._version = 0

    def apply(self, name: str, *, cluster: str = "", finished: bool = False) -> None:
        self.informer._notify(self.informer.store.apply(self._workflow(name, cluster, finished=finished)))

    def remove(self, name: str) -> None:
        self.informer._notify(self.informer.store.remove(self._workflow(name, "", finished=False)))

    def counts(self) -> dict[str, int]:
        return dict(self.load.of(["c1", "c2"]))

    def _workflow(self, name: str, cluster: str, *, finished: bool) -> Object:
        self._version += 1
        metadata = {
            "name": name,
            "namespace": "n",
            "uid": name,
            "resourceVersion": str(self._version),
            "annotations": {keys.CLUSTER_ANNOTATION: cluster} if cluster else {},
            "labels": {keys.COMPLETED_LABEL: "true"} if finished else {},
        }
        return Object(msgspec.json.encode({"metadata": metadata}))


def test_unfinished_workflows_count_where_they_are() -> None:
    hub = Hub()
    hub.apply("a", cluster="c1")
    hub.apply("b", cluster="c1")
    hub.apply("c", cluster="c2", finished=True)
    hub.apply("d")
    hub.apply("e", cluster="elsewhere")
    assert hub.counts() == {"c1": 2, "c2": 0}
    hub.apply("a", cluster="c1", finished=True)
    hub.remove("b")
    assert hub.counts() == {"c1": 0, "c2": 0}


def test_a_placement_counts_from_the_moment_it_is_assumed_and_only_once() -> None:
    hub = Hub()
    hub.apply("a")
    hub.load.assume(("n", "a"), "c1")
    assert hub.counts() == {"c1": 1, "c2": 0}
    hub.apply("a")  # somebody changed it before our write arrived
    assert hub.counts() == {"c1": 1, "c2": 0}
    hub.apply("a", cluster="c1")
    assert hub.counts() == {"c1": 1, "c2": 0}


def test_a_placement_that_failed_counts_no_more() -> None:
    hub = Hub()
    hub.apply("a")
    hub.load.assume(("n", "a"), "c1")
    hub.load.retract(("n", "a"))
    assert hub.counts() == {"c1": 0, "c2": 0}


def test_a_workflow_that_went_away_counts_no_more() -> None:
    hub = Hub()
    hub.apply("a")
    hub.load.assume(("n", "a"), "c1")
    hub.remove("a")
    assert hub.counts() == {"c1": 0, "c2": 0}


def test_a_workflow_that_another_placed_elsewhere_counts_there() -> None:
    hub = Hub()
    hub.apply("a")
    hub.load.assume(("n", "a"), "c1")
    hub.apply("a", cluster="c2")
    assert hub.counts() == {"c1": 0, "c2": 1}


def test_one_that_moves_counts_on_its_new_cluster_until_it_is_seen_there() -> None:
    hub = Hub()
    hub.apply("a", cluster="c1")
    hub.load.assume(("n", "a"), "c2")
    hub.apply("a", cluster="c1")  # a report of the old cluster
    assert hub.counts() == {"c1": 1, "c2": 1}
    hub.apply("a", cluster="c2")
    assert hub.counts() == {"c1": 0, "c2": 1}
