"""Two results as ratios: what got better, what got worse, and what is only noise."""

from __future__ import annotations

from typing import Any

import pytest

from hack.bench.compare import Row, compare
from hack.bench.distribution import Distribution
from hack.bench.results import Ceiling
from hack.bench.scenario import GROWTH_FINISHED
from tests.unit.bench.builders import growth, replicas, result, storage, trip

SPEEDS = {"plain": 60.0, "lean": 80.0}


def row(name: str, old: dict[str, Any], new: dict[str, Any]) -> Row:
    rows = compare(result(trips=[trip(**old)]), result(trips=[trip(**new)]))
    return next(item for item in rows if item.name == f"burst-60-1c-2k: {name}")


@pytest.mark.parametrize(
    ("figure", "field", "old", "new", "ratio", "verdict"),
    [
        ("Workflows/s", "workflows_per_second", 20.0, 40.0, 2.0, "better"),
        ("Workflows/s", "workflows_per_second", 20.0, 10.0, 0.5, "worse"),
        ("Workflows/s", "workflows_per_second", 20.0, 21.0, 1.05, ""),
        ("clean-up s", "cleanup_seconds", 4.0, 2.0, 0.5, "better"),
        ("clean-up s", "cleanup_seconds", 2.0, 4.0, 2.0, "worse"),
        ("hub writes", "hub_writes", 10.0, 9.0, 0.9, "better"),
        ("hub writes", "hub_writes", 10.0, 10.1, 1.01, ""),
        ("hub writes", "hub_writes", 10.0, 10.5, 1.05, "worse"),
        ("clean-up s", "cleanup_seconds", 0.0, 4.0, None, ""),
    ],
)
def test_verdicts(figure: str, field: str, old: float, new: float, ratio: float | None, verdict: str) -> None:
    found = row(figure, {field: old}, {field: new})
    assert (found.old, found.new, found.verdict) == (old, new, verdict)
    assert found.ratio == (None if ratio is None else pytest.approx(ratio))


def test_latencies_are_compared_by_percentile() -> None:
    found = row(
        "status p99 ms", {"status": Distribution(9, 1, 2, 50)}, {"status": Distribution(9, 1, 2, 100)}
    )
    assert (found.ratio, found.verdict) == (2.0, "worse")


def test_only_what_both_have_is_compared() -> None:
    old = result(trips=[trip("a"), trip("b")], ceilings=[], growth=[growth(GROWTH_FINISHED, 1000)])
    new = result(trips=[trip("b"), trip("c")], ceilings=[], growth=[growth(GROWTH_FINISHED, 1000)])
    names = {item.name.partition(":")[0] for item in compare(old, new)}
    assert names == {"b", "growth-finished 1000"}


def test_every_ceiling_and_series_has_a_name_of_its_own() -> None:
    ceilings = [Ceiling("1c-2k", 400, 16, speed, 6, 3, 0.03, kind) for kind, speed in SPEEDS.items()]
    names = {
        item.name: item.new
        for item in compare(*[result(trips=[], ceilings=ceilings, replicas=[replicas(1), replicas(2)])] * 2)
    }
    assert names["plain ceiling 1c-2k: Workflows/s"] == 60
    assert names["lean ceiling 1c-2k: Workflows/s"] == 80
    assert {"1 processes: hub writes", "2 processes: hub writes"} <= set(names)


def test_the_same_result_has_no_verdicts() -> None:
    one = result(growth=[growth(GROWTH_FINISHED, 1000, storage=storage())])
    rows = compare(one, one)
    assert rows
    assert {(item.ratio, item.verdict) for item in rows if item.old} == {(1.0, "")}
