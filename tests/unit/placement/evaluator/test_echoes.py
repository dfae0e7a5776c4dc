"""Own writes that come back are told from those of others."""

from __future__ import annotations

import msgspec

from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from placement.evaluator.echoes import Echoes


def item(version: int, name: str = "p") -> Object:
    metadata = {"name": name, "namespace": "n", "uid": "u", "resourceVersion": str(version)}
    return Object(msgspec.json.encode({"metadata": metadata}))


def test_what_was_written_here_is_an_echo_whenever_it_comes() -> None:
    echoes = Echoes()
    for version in (5, 6, 7):
        echoes.note(PLACEMENT, item(version))
    for version in (5, 6, 7):
        assert echoes.has_made(PLACEMENT, Change(item(4), item(version)))
    assert not echoes.has_made(PLACEMENT, Change(item(7), item(8)))
    assert not echoes.has_made(PLACEMENT, Change(item(7), item(3))), "the hub was restored from a backup"
    assert not echoes.has_made(PLACEMENT_DECISION, Change(item(4), item(5)))
    assert not echoes.has_made(PLACEMENT, Change(item(4), item(5, "q")))


def test_what_is_gone_is_forgotten() -> None:
    echoes = Echoes()
    echoes.note(PLACEMENT, item(5))
    assert not echoes.has_made(PLACEMENT, Change(item(5), None))
    assert not echoes.has_made(PLACEMENT, Change(None, item(5)))
