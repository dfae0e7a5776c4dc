"""What nodes, pods and the hub say to an agent counts as nothing where it is no number or time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.capacity import Amounts, Room, claimed, entries, room, told
from agent.decide.scores import due, status
from controllers.api.pod import PodSpec
from tests.unit.odd import TEXTS, json_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def node(quantity: str) -> dict[str, Any]:
    allocatable = dict.fromkeys(("cpu", "memory", "pods"), quantity)
    return {
        "metadata": {"name": quantity},
        "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def pod(quantity: str) -> PodSpec:
    asked = {"resources": {"requests": {"cpu": quantity, "memory": quantity}}}
    return msgspec.convert({"containers": [asked], "overhead": {"cpu": quantity}}, PodSpec)


@pytest.mark.parametrize("quantity", ["1e400", "NaN", "inf", "-1e400", "1e999999999E", "9" * 5000])
def test_a_quantity_without_a_number_counts_as_nothing(quantity: str) -> None:
    assert claimed(pod(quantity)).asks == Amounts(0, 0, 1)
    found = room([node("8"), node(quantity)], [claimed(pod(quantity))])
    assert found == Room(Amounts(8000, 8, 8), Amounts(8000, 8, 7))


@given(TEXTS, TEXTS)
def test_any_quantity_leaves_a_room_that_can_be_told(of_node: str, of_pod: str) -> None:
    found = room([node("8"), node(of_node)], [claimed(pod(of_pod))])
    assert found is not None
    assert all(0 <= free <= total for free, total in zip(found.free, found.total, strict=True))
    assert told(entries(found.free)) is not None


@given(json_of(st.sampled_from([*entries(Amounts()), "cpu"]), 6))
def test_any_entry_on_the_hub_is_a_number_or_none(value: Any) -> None:
    for allocatable in (value if isinstance(value, dict) else {}, dict.fromkeys(entries(Amounts()), value)):
        found = told(allocatable)
        assert found is None or min(found) >= 0


@pytest.mark.parametrize("until", ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon"])
def test_scores_until_an_odd_time_are_told_at_once(until: str) -> None:
    assert due(status({"a": 1}, NOW) | {"validUntil": until}, {"a": 1}, NOW) == 0.0


@given(TEXTS)
def test_scores_are_told_again_in_time_whatever_the_hub_has(until: str) -> None:
    assert due(status({"a": 1}, NOW) | {"validUntil": until}, {"a": 1}, NOW) >= 0.0
