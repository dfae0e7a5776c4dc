"""Own writes that come back are told from what others do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.api.placement import Placement, PlacementDecision
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from placement.evaluator.decisions import pages, plan
from placement.evaluator.echoes import Echoes
from placement.evaluator.groups import Group
from tests.unit.placement.evaluator.build import placement

OWNER = placement()
KEY = (OWNER.metadata.namespace, OWNER.metadata.name)
(PAGE,) = pages(OWNER, [Group("", ("a", "b"))])
NAME = PAGE.metadata.name


def live(page: PlacementDecision = PAGE, **metadata: Any) -> Object:
    body = msgspec.to_builtins(page)
    return Object(msgspec.json.encode(body | {"metadata": body["metadata"] | metadata}))


def without_status() -> Object:
    body = msgspec.to_builtins(PAGE)
    del body["status"]
    return Object(msgspec.json.encode(body))


def made() -> Echoes:
    echoes = Echoes()
    echoes.begin(KEY, [PAGE], plan([PAGE], []))
    return echoes


def test_a_page_on_its_way_is_an_echo_in_each_of_its_states() -> None:
    echoes = made()
    assert echoes.has_made_page(Change(None, without_status()))
    assert echoes.has_made_page(Change(without_status(), live()))
    echoes.end(KEY)
    assert echoes.has_made_page(Change(without_status(), live()))
    assert not echoes.has_made_page(Change(live(), without_status())), "somebody has emptied it"


@pytest.mark.parametrize(
    "change",
    [
        Change(live(), None),
        Change(live(), live(deletionTimestamp="2026-01-01T00:00:00Z")),
        Change(live(), live(ownerReferences=[])),
        Change(live(), live(pages(OWNER, [Group("", ("a",))])[0])),
        Change(live(), live(pages(OWNER, [Group("red", ("a", "b"))])[0])),
        Change(None, live(name="p-decision-9")),
    ],
)
def test_what_others_do_to_decisions_is_none(change: Change) -> None:
    echoes = made()
    echoes.end(KEY)
    assert not echoes.has_made_page(change)


def test_a_page_that_is_not_wanted_may_go() -> None:
    echoes = made()
    assert echoes.has_made_page(Change(live(name="p-decision-9"), None))


def test_before_the_first_evaluation_nothing_is_known() -> None:
    assert not Echoes().has_made_page(Change(None, live()))
    echoes = made()
    echoes.forget(KEY)
    assert not echoes.has_made_page(Change(None, live()))


def with_status(selected: int, generation: int = 1, **annotations: str) -> Object:
    body = msgspec.to_builtins(OWNER)
    body["metadata"] |= {"generation": generation, "annotations": annotations}
    body["status"] = {"numberOfSelectedClusters": selected}
    return Object(msgspec.json.encode(body))


def test_a_placement_whose_status_is_as_it_shall_be() -> None:
    echoes = Echoes()
    echoes.tell(KEY, with_status(2).decode(Placement).status)
    assert echoes.has_made_placement(Change(with_status(0), with_status(2)))
    assert not echoes.has_made_placement(Change(with_status(2), with_status(3)))
    assert not echoes.has_made_placement(Change(with_status(0), with_status(2, generation=2)))
    assert not echoes.has_made_placement(Change(with_status(2), with_status(2, key="value")))
    assert not echoes.has_made_placement(Change(None, with_status(2)))
    assert not echoes.has_made_placement(Change(with_status(2), None))
