"""What counts as a sign of life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from controllers.api.cluster import AVAILABLE
from controllers.kube.object import Object
from controllers.runtime.informer import Informer
from registration.health.decide import Pulse
from registration.health.pulses import Pulses
from tests.unit.placement.fake_informer import FakeInformer

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AN_HOUR_AGO = "2026-11-21T11:00:00.000000Z"


class World:
    def __init__(self) -> None:
        self.now = START
        self.leases, self.clusters = FakeInformer(), FakeInformer()
        leases, clusters = cast("Informer", self.leases), cast("Informer", self.clusters)
        self.pulses = Pulses(leases, clusters, lambda: self.now)

    def lease(self, renewed: str) -> None:
        body = {
            "metadata": {"name": "managed-cluster-lease", "namespace": "c"},
            "spec": {"renewTime": renewed},
        }
        self.leases.put(("c", "managed-cluster-lease"), Object(msgspec.json.encode(body)))

    def says(self, status: str) -> None:
        condition = {
            "type": AVAILABLE,
            "status": status,
            "reason": "R",
            "message": "",
            "lastTransitionTime": AN_HOUR_AGO,
        }
        body = {"metadata": {"name": "c"}, "status": {"conditions": [condition]}}
        self.clusters.put(("", "c"), Object(msgspec.json.encode(body)))


def test_the_first_sight_of_a_lease_says_only_what_its_own_clock_says() -> None:
    world = World()
    world.lease(AN_HOUR_AGO)
    assert world.pulses.of("c") == Pulse(since=START, renewed=START - timedelta(hours=1))


def test_a_lease_that_moves_is_heard_whatever_its_clock_says() -> None:
    world = World()
    world.lease(AN_HOUR_AGO)
    world.now += timedelta(seconds=60)
    world.lease("2026-11-21T11:01:00.000000Z")
    assert world.pulses.of("c").heard == START + timedelta(seconds=60)
    world.now += timedelta(seconds=60)
    world.lease("2026-11-21T11:01:00.000000Z")
    assert world.pulses.of("c").heard == START + timedelta(seconds=60), "it did not move"


def test_a_clock_that_is_ahead_keeps_no_cluster_alive() -> None:
    world = World()
    world.lease("2026-11-21T15:00:00.000000Z")
    assert world.pulses.of("c") == Pulse(since=START, renewed=START)
    world.now += timedelta(seconds=60)
    world.lease("2026-11-21T15:01:00.000000Z")
    beaten = START + timedelta(seconds=60)
    assert world.pulses.of("c") == Pulse(since=START, renewed=beaten, heard=beaten)
    world.now += timedelta(seconds=60)
    world.lease("2026-11-21T15:01:00.000000Z")
    assert world.pulses.of("c") == Pulse(since=START, renewed=beaten, heard=beaten), "it did not move"


def test_an_agent_that_says_its_cluster_is_back_is_heard() -> None:
    world = World()
    world.says("Unknown")
    world.now += timedelta(seconds=5)
    world.says("True")
    assert world.pulses.of("c").heard == START + timedelta(seconds=5)
    world.now += timedelta(seconds=5)
    world.says("True")
    assert world.pulses.of("c").heard == START + timedelta(seconds=5), "nothing new was said"


def test_a_cluster_that_is_forgotten_begins_anew() -> None:
    world = World()
    world.lease(AN_HOUR_AGO)
    world.pulses.forget("c")
    world.now += timedelta(seconds=5)
    assert world.pulses.of("c") == Pulse(since=world.now)
