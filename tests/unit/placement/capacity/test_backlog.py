"""Who may go when a cluster reports room."""

from __future__ import annotations

from typing import cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from controllers.api import keys
from controllers.hub import WORKFLOWS
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.informer import Informer
from placement.capacity.backlog import Backlog
from placement.capacity.need import NOTHING, Need


class Hub:
    """An informer that is told of changes by hand, and a backlog."""

    def __init__(self) -> None:
        self.informer = Informer(cast("Client", None), WORKFLOWS)
        self.backlog = Backlog(self.informer)
        self._version = 0

    def wait(self, name: str, need: Need, *, created: str = "2026-01-01T00:00:00Z") -> None:
        self.backlog.put(self.workflow(name, created=created), need)

    def shows(self, name: str, *, cluster: str = "", phase: str = "") -> None:
        item = self.workflow(name, cluster=cluster, phase=phase)
        self.informer._notify(self.informer.store.apply(item))

    def remove(self, name: str) -> None:
        self.informer._notify(self.informer.store.remove(self.workflow(name)))

    def fitting(self, room: Need) -> list[str]:
        return [name for _, name in self.backlog.fitting(room)]

    def workflow(self, name: str, *, cluster: str = "", phase: str = "", created: str = "") -> Object:
        self._version += 1
        metadata = {
            "name": name,
            "namespace": "n",
            "uid": name,
            "resourceVersion": str(self._version),
            "creationTimestamp": created,
            "annotations": {keys.CLUSTER_ANNOTATION: cluster} if cluster else {},
            "labels": {keys.COMPLETED_LABEL: "true"} if phase == "Succeeded" else {},
        }
        return Object(msgspec.json.encode({"metadata": metadata}))


def test_the_eldest_go_first_and_what_is_too_big_is_passed_over() -> None:
    hub = Hub()
    # by name they would come the other way round
    hub.wait("a-young", Need(1, pods=1), created="2026-01-03T00:00:00Z")
    hub.wait("c-big", Need(9, pods=1), created="2026-01-01T00:00:00Z")
    hub.wait("b-old", Need(1, pods=1), created="2026-01-02T00:00:00Z")
    assert hub.fitting(Need(1, pods=10)) == ["b-old"]
    assert hub.fitting(Need(2, pods=10)) == ["b-old", "a-young"]
    assert hub.fitting(Need(11, pods=10)) == ["c-big", "b-old", "a-young"]
    assert hub.fitting(Need(11, pods=2)) == ["c-big", "b-old"]
    assert hub.fitting(NOTHING) == []


def test_one_that_needs_nothing_takes_the_place_of_a_pod() -> None:
    hub = Hub()
    for name in "abc":
        hub.wait(name, NOTHING)
    assert hub.fitting(Need(pods=2)) == ["a", "b"]


def test_those_that_wait_no_more_are_forgotten() -> None:
    hub = Hub()
    for name in "abcde":
        hub.shows(name)
        hub.wait(name, NOTHING)
    hub.shows("a", cluster="c1")
    hub.shows("b", phase="Succeeded")
    hub.remove("c")
    hub.backlog.take(("n", "d"))
    hub.shows("e")
    assert hub.fitting(Need(pods=9)) == ["e"]


def test_what_is_asked_again_knows_who_came_and_who_left() -> None:
    hub = Hub()
    for name in "bc":
        hub.wait(name, NOTHING)
    assert hub.fitting(Need(pods=9)) == ["b", "c"]
    hub.backlog.take(("n", "b"))
    hub.backlog.take(("n", "never-waited"))
    assert hub.fitting(Need(pods=9)) == ["c"]
    hub.wait("a", NOTHING)
    assert hub.fitting(Need(pods=9)) == ["a", "c"]
    hub.wait("a", Need(cpu=2))
    assert hub.fitting(Need(1, pods=9)) == ["c"]


NEEDS = st.builds(Need, st.integers(0, 5), st.integers(0, 5), st.integers(0, 3))


@given(
    st.lists(NEEDS, max_size=12), st.builds(Need, st.integers(0, 20), st.integers(0, 20), st.integers(0, 9))
)
def test_together_they_have_room_and_nobody_is_left_out_that_has_some(needs: list[Need], room: Need) -> None:
    hub = Hub()
    for number, need in enumerate(needs):
        hub.wait(f"{number:02}", need)
    found = [int(name) for name in hub.fitting(room)]
    left = room
    for number in found:
        left = left.minus(needs[number].at_least(Need(pods=1)))
    assert min(left) >= 0
    for number, need in enumerate(needs):
        if number not in found:
            short = left.minus(need.at_least(Need(pods=1)))
            assert min(short) < 0
