"""The tables of scenarios: names are theirs alone, and can be chosen by."""

from __future__ import annotations

import pytest

from hack.bench.scenario import FULL, QUICK, SERIES, Burst, Load, Scenario, Shape, Steady, by_shape, chosen


@pytest.mark.parametrize(
    ("load", "shape", "name", "count"),
    [
        (Burst(300), Shape(4, 2048), "burst-300-4c-2k", 300),
        (Steady(2, 60), Shape(1, 102_400), "steady-2-1c-100k", 120),
        (Steady(0.5, 10), Shape(1, 2048), "steady-0.5-1c-2k", 5),
    ],
)
def test_names_and_counts(load: Load, shape: Shape, name: str, count: int) -> None:
    assert Scenario(load, shape).name == name
    assert load.count == count


@pytest.mark.parametrize("table", [FULL, QUICK])
def test_every_name_is_used_once(table: tuple[Scenario, ...]) -> None:
    names = [item.name for item in table]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["burst-300-*"], {"burst-300-1c-2k", "burst-300-4c-2k", "burst-300-1c-100k", "burst-300-4c-100k"}),
        (["steady-2-1c-2k", "steady-20-1c-2k"], {"steady-2-1c-2k", "steady-20-1c-2k"}),
        (["growth-*"], set()),
        ([], {item.name for item in FULL}),
    ],
)
def test_chosen(patterns: list[str], names: set[str]) -> None:
    assert {item.name for item in chosen(FULL, patterns)} == names


def test_a_fleet_for_each_shape() -> None:
    groups = by_shape(FULL)
    assert {shape for shape, items in groups.items() for item in items if item.shape != shape} == set()
    assert sum(len(items) for items in groups.values()) == len(FULL)
    assert list(groups) == [Shape(1, 2048), Shape(4, 2048), Shape(1, 102_400), Shape(4, 102_400)]


def test_every_dimension_of_the_round_trip_is_measured() -> None:
    assert {item.shape for item in FULL} == {Shape(c, k * 1024) for c in (1, 4) for k in (2, 100)}
    for shape, items in by_shape(FULL).items():
        loads = [item.load for item in items]
        rates = {load.rate for load in loads if isinstance(load, Steady)}
        assert rates == ({10} if shape == Shape(4, 100 * 1024) else {2, 10, 20})
        bursts = {load.count for load in loads if isinstance(load, Burst)}
        assert bursts == ({300, 2000} if shape.status_bytes == 2048 else {300})


def test_a_longer_run_has_a_name_of_its_own() -> None:
    assert Scenario(Steady(2, 30), Shape(1, 2048), run_seconds=4.0).name == "steady-2-1c-2k-4s"
    assert "steady-2-1c-2k-4s" in {item.name for item in FULL}


def test_a_series_is_called_like_no_scenario() -> None:
    assert not set(SERIES) & {item.name for item in FULL}
