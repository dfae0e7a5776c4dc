"""Removing what a work has applied."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from agent.work.apply import Applier
from agent.work.claim import INTENDED, Claims
from agent.work.cleanup import Cleanup
from agent.work.ledger import Ledger
from agent.work.removal import Removal
from agent.work.results import StatusResults
from controllers.api.work import AppliedManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.object import Object
from controllers.runtime.clock import now
from controllers.runtime.own_writes import OwnWrites


class Bare:
    """A cluster on which nothing is left; what was asked for is in `asked`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def find(self, _: object, name: str, **__: str) -> None:
        self.asked.append(name)

    async def delete(self, *_: object, **__: object) -> None:
        raise NotFound("gone", status=404)


class Nothing:
    """Stands for whatever has nothing to do here."""

    async def flush(self) -> None: ...

    def removed(self, _: Object) -> None: ...


def trace(name: str, *intended: str) -> Object:
    """An AppliedManifestWork of which the agent has died before it wrote a status."""
    items = [{"resource": "configmaps", "version": "v1", "name": item, "namespace": "n"} for item in intended]
    spec = {"hubHash": "h", "agentID": "a", "manifestWorkName": name}
    annotations = {INTENDED: msgspec.json.encode(items).decode()}
    return Object(
        msgspec.json.encode(
            {"metadata": {"name": name, "uid": name, "annotations": annotations}, "spec": spec}
        )
    )


async def test_what_one_work_was_about_to_apply_is_not_looked_for_with_another() -> None:
    managed, nothing = Bare(), cast("Any", Nothing())
    cleanup = Cleanup(
        cast("Client", nothing),
        cast("Client", managed),
        cast("Claims", nothing),
        cast("Applier", nothing),
        cast("StatusResults", nothing),
        cast("Ledger", nothing),
        works=cast("OwnWrites", nothing),
        removal=cast("Removal", nothing),
        now=now,
    )
    assert not await cleanup.remove(trace("one", "a", "b"), None)
    assert not await cleanup.remove(trace("two", "c"), None)
    assert managed.asked == ["a", "b", "c"]
    assert trace("three").decode(AppliedManifestWork).status.applied_resources == []
