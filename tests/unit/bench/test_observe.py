"""Timelines: the first time counts, and what is waited for is everybody's turn or the deadline."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from controllers.api import keys
from controllers.kube.client import Client
from controllers.kube.object import Object
from hack.bench.observe import Observer, Timeline
from hack.bench.workload import ENDED_AT


def item(
    name: str, *, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
) -> Object:
    meta: dict[str, Any] = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    return Object(msgspec.json.encode({"metadata": meta}))


def observer(*names: str) -> Observer:
    return Observer(cast("Client", None), "run", names, [])


FINISHED = {keys.COMPLETED_LABEL: "true"}


def test_the_hub_is_done_when_its_label_says_so_and_only_the_first_time_counts() -> None:
    seen = observer("a")
    timeline = seen.timelines["a"]
    seen.on_hub(item("a", labels={keys.COMPLETED_LABEL: "false"}))
    assert timeline.finished == 0
    seen.on_hub(item("a", labels=FINISHED))
    first = timeline.finished
    assert first > 0
    seen.on_hub(item("a", labels=FINISHED))
    assert timeline.finished == first


def test_a_copy_is_known_by_its_own_name_or_by_its_origin() -> None:
    seen = observer("a", "b")
    seen.on_copy(item("a"))
    seen.on_copy(item("b-12345", annotations={keys.HUB_NAME_ANNOTATION: "b"}))
    seen.on_copy(item("stranger"))
    assert all(timeline.copied for timeline in seen.timelines.values())
    assert set(seen.timelines) == {"a", "b"}


def test_the_executor_tells_when_it_ended() -> None:
    seen = observer("a")
    seen.on_copy(item("a"))
    assert seen.timelines["a"].ended == 0
    seen.on_copy(item("a", annotations={ENDED_AT: "12.5"}))
    assert seen.timelines["a"].ended == 12.5


def test_gone_is_when_both_are() -> None:
    timeline = Timeline(hub_gone=3.0)
    assert timeline.gone == 0
    timeline.copy_gone = 2.0
    assert timeline.gone == 3.0


@pytest.mark.parametrize(
    ("finished", "within", "there"), [(["a", "b"], 5.0, 2), (["a"], 0.01, 1), ([], 0.0, 0)]
)
async def test_until(finished: list[str], within: float, there: int) -> None:
    seen = observer("a", "b")
    for name in finished:
        seen.on_hub(item(name, labels=FINISHED))
    assert await seen.until(lambda timeline: timeline.finished, within) == there
