"""Who counts as alive, by what was seen of the Leases and when."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.group import Group
from controllers.runtime.lease import LeaseTiming
from controllers.runtime.membership import Members

TIMING = LeaseTiming(duration=15, renew_deadline=10, retry=2)


class World:
    """A replica `host_1_us` in a group of 4 shards, and a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0
        self._version = 0
        group = Group(cast("Client", None), "argosy", "argo", "host_1_us", 4, TIMING, clock=lambda: self.now)
        self.members = Members(group)

    def see(self, holder: str, *, first_look: bool = False, shards: int = 4, gone: bool = False) -> bool:
        self._version += 1
        lease = Object(
            msgspec.json.encode(
                {
                    "metadata": {
                        "name": f"argosy-{holder}",
                        "resourceVersion": str(self._version),
                        "annotations": {"argosy.io/shards": str(shards)},
                    },
                    "spec": {"holderIdentity": holder},
                }
            )
        )
        change = Change(lease, None) if gone else Change(None, lease)
        return self.members.observe(change, first_look=first_look)

    @property
    def others(self) -> set[str]:
        alive = self.members.alive()
        assert "host_1_us" in alive
        return set(alive) - {"host_1_us"}


@pytest.fixture
def world() -> World:
    return World()


def test_alone_there_is_still_oneself(world: World) -> None:
    assert world.members.alive() == {"host_1_us"}
    assert world.members.lock.name == "argosy-us"


def test_one_that_comes_counts_until_it_goes(world: World) -> None:
    assert world.see("a") is True
    assert world.see("a") is False, "a renewal is no news"
    assert world.others == {"a"}
    assert world.see("a", gone=True) is True
    assert world.others == set()


def test_one_that_does_not_renew_counts_for_its_duration_and_again_when_it_renews(world: World) -> None:
    world.see("a")
    world.now += 14.9
    assert world.others == {"a"}
    world.now += 0.2
    assert world.others == set()
    assert world.see("a") is True
    assert world.others == {"a"}


def test_what_was_there_before_counts_once_it_is_renewed(world: World) -> None:
    world.see("ghost", first_look=True)
    world.see("a", first_look=True)
    assert world.others == set()
    assert world.members.undecided()
    world.now += 2
    assert world.see("a") is True
    assert world.others == {"a"}
    assert world.members.undecided(), "the ghost may yet renew"
    world.now += 2.1
    assert not world.members.undecided()
    assert world.others == {"a"}


def test_one_with_another_number_of_shards_does_not_count(world: World) -> None:
    assert world.see("a", shards=5) is False
    assert world.others == set()
