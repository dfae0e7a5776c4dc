"""What a process wrote itself is seen at once, and never longer than it is true."""

from __future__ import annotations

import json
from typing import cast

import pytest

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.scope import Scope


def make(version: int, *, name: str = "a", uid: str = "u") -> Object:
    metadata = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(version)}
    return Object(json.dumps({"metadata": metadata}).encode())


class World:
    """An informer that is fed by hand, and the view of it."""

    def __init__(self, *present: Object) -> None:
        self._informer = Informer(cast("Client", None), Scope(WORKFLOW))
        self.view = OwnWrites(self._informer)
        self._tell(*self._informer.store.replace(present))

    def applied(self, item: Object) -> None:
        self._tell(self._informer.store.apply(item))

    def deleted(self, item: Object) -> None:
        self._tell(self._informer.store.remove(item))

    def listed(self, *items: Object) -> None:
        self._tell(*self._informer.store.replace(items))

    def went_back(self, *items: Object) -> None:
        for forget in self._informer._on_rewind:
            forget()
        self.listed(*items)

    def _tell(self, *changes: Change | None) -> None:
        for change in changes:
            self._informer._notify(change)

    @property
    def version(self) -> int | None:
        """The resourceVersion of the object that the view shows."""
        found = self.view.get("n", "a")
        return None if found is None else int(found.metadata.resource_version)


def test_a_write_is_seen_before_the_cache_hears_of_it() -> None:
    world = World(make(5))
    world.view.record(make(6))
    assert world.version == 6


def test_the_cache_wins_as_soon_as_it_has_caught_up() -> None:
    world = World(make(5))
    world.view.record(make(6))
    world.applied(make(7))
    assert world.version == 7


def test_an_answer_that_comes_after_the_news_of_the_removal_brings_nothing_back() -> None:
    world = World(make(5))
    world.deleted(make(7))
    world.view.record(make(6))
    assert world.version is None


def test_an_answer_about_an_object_that_the_cache_does_not_keep_is_not_kept_for_ever() -> None:
    world = World()
    world.applied(make(9, name="other"))
    world.view.record(make(8))
    assert world.version is None


def test_after_a_restored_backup_writes_are_seen_again() -> None:
    world = World(make(500))
    world.listed(make(5))
    world.view.record(make(6))
    assert world.version == 6


def test_what_this_process_has_removed_is_not_shown_although_the_cache_still_has_it() -> None:
    world = World(make(5))
    world.view.removed(make(5))
    assert world.version is None


@pytest.mark.parametrize("news_first", [True, False])
def test_a_successor_of_the_same_name_is_shown(news_first: bool) -> None:
    world = World(make(5))
    if news_first:
        world.deleted(make(6))
    world.view.removed(make(5))
    if not news_first:
        world.deleted(make(6))
    world.applied(make(7, uid="successor"))
    assert world.version == 7
    world.deleted(make(8, uid="successor"))
    assert world.version is None


def test_a_successor_that_this_process_made_is_shown_before_the_news_of_the_removal() -> None:
    world = World(make(5))
    world.view.removed(make(5))
    world.view.record(make(7, uid="successor"))
    assert world.version == 7
    world.deleted(make(6))
    assert world.version == 7


def test_of_a_server_that_went_back_nothing_written_before_is_shown() -> None:
    """The write was answered, and its event never came; the object is as in the cache."""
    world = World(make(5))
    world.view.record(make(6))
    world.went_back(make(5))
    assert world.version == 5


def test_what_was_removed_before_a_server_went_back_is_there_again() -> None:
    world = World(make(5))
    world.view.removed(make(5))
    world.went_back(make(5))
    assert world.version == 5
