"""What was given away and is not in a cluster's report yet."""

from __future__ import annotations

from typing import cast

import msgspec

from controllers.api import keys
from controllers.hub import WORKFLOWS
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.informer import Informer
from placement.capacity.need import NOTHING, Need
from placement.capacity.promises import REPORTED_AFTER, Promises

ONE = Need(1, 2, 3)


class Hub:
    """An informer that is told of changes by hand, and a clock."""

    def __init__(self) -> None:
        self.informer = Informer(cast("Client", None), WORKFLOWS)
        self.now = 0.0
        self.promises = Promises(self.informer, lambda: self.now)
        self._version = 0

    def shows(self, name: str, phase: str) -> None:
        self.informer._notify(self.informer.store.apply(self._workflow(name, phase)))

    def remove(self, name: str) -> None:
        self.informer._notify(self.informer.store.remove(self._workflow(name, "")))

    def _workflow(self, name: str, phase: str) -> Object:
        self._version += 1
        labels = {keys.PHASE_LABEL: phase} if phase else {}
        if phase in ("Succeeded", "Failed"):
            labels[keys.COMPLETED_LABEL] = "true"
        metadata = {
            "name": name,
            "namespace": "n",
            "uid": name,
            "resourceVersion": str(self._version),
            "labels": labels,
        }
        return Object(msgspec.json.encode({"metadata": metadata}))


def test_what_is_given_counts_until_its_pods_are_reported() -> None:
    hub = Hub()
    hub.shows("a", "")
    hub.promises.give(("n", "a"), "c1", ONE)
    hub.promises.give(("n", "b"), "c1", ONE)
    assert hub.promises.on("c1") == Need(2, 4, 6)
    assert hub.promises.on("c2") == NOTHING
    hub.shows("a", "Pending")
    hub.now += 1000
    assert hub.promises.on("c1") == Need(2, 4, 6), "a Workflow that does not run has no pods, however long"
    hub.shows("a", "Running")
    hub.now += REPORTED_AFTER - 1
    hub.shows("a", "Running")
    assert hub.promises.on("c1") == Need(2, 4, 6)
    hub.now += 1
    assert hub.promises.on("c1") == ONE


def test_what_ends_goes_or_fails_to_be_written_counts_no_more() -> None:
    hub = Hub()
    for name in "abc":
        hub.shows(name, "")
        hub.promises.give(("n", name), "c1", ONE)
    hub.shows("a", "Failed")
    hub.remove("b")
    hub.promises.take_back(("n", "c"))
    hub.promises.take_back(("n", "c"))
    assert hub.promises.on("c1") == NOTHING


def test_one_that_was_placed_by_nobody_here_counts_for_nothing() -> None:
    hub = Hub()
    hub.shows("x", "Running")
    hub.shows("y", "Failed")
    hub.remove("x")
    hub.now += REPORTED_AFTER
    assert hub.promises.on("c1") == NOTHING


def test_one_that_moves_counts_on_its_new_cluster() -> None:
    hub = Hub()
    hub.promises.give(("n", "a"), "c1", ONE)
    hub.shows("a", "Running")
    hub.promises.give(("n", "a"), "c2", ONE)
    hub.now += REPORTED_AFTER
    assert (hub.promises.on("c1"), hub.promises.on("c2")) == (NOTHING, ONE)
