"""What counts as a sign of life of an agent, and for how long."""

from __future__ import annotations

import json
from typing import cast

import pytest

from controllers.api.kinds import MANIFEST_WORK, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.scope import Scope
from manifestwork.liveness import LATELY, Agents


class Told(Informer):
    """An informer that hears of what a test tells it."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(cast("Client", None), scope)

    def tell(self, old: Object | None, new: Object | None) -> None:
        self._notify(Change(old, new))

    def sync(self) -> None:
        self._synced.set()


def make(version: int, generation: int = 1) -> Object:
    metadata = {"name": "a", "namespace": "c1", "resourceVersion": str(version), "generation": generation}
    return Object(json.dumps({"metadata": metadata}).encode())


class World:
    def __init__(self) -> None:
        self.now = 1000.0
        self.works, self.results = Told(Scope(MANIFEST_WORK)), Told(Scope(WORKFLOW_STATUS_RESULT))
        self.agents = Agents(works=self.works, results=self.results, clock=lambda: self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_a_status_of_a_work_is_a_sign_of_life_for_a_minute(world: World) -> None:
    world.works.tell(make(1), make(2))
    assert world.agents.heard_lately("c1")
    assert not world.agents.heard_lately("c2")
    world.now += LATELY
    assert not world.agents.heard_lately("c1")


@pytest.mark.parametrize(("old", "new"), [(None, make(1)), (make(1), None), (make(1), make(2, generation=2))])
def test_what_the_hub_does_with_a_work_is_none(world: World, old: Object | None, new: Object | None) -> None:
    world.works.tell(old, new)
    assert not world.agents.heard_lately("c1")


def test_a_result_is_one_unless_it_was_there_at_the_start(world: World) -> None:
    world.results.tell(None, make(1))
    assert not world.agents.heard_lately("c1")
    world.results.sync()
    world.results.tell(None, make(2))
    assert world.agents.heard_lately("c1")
