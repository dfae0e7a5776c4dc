"""Figures are in the file as soon as they are known, and what fails is named and stops nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.bench import results
from hack.bench.record import Record, reason
from hack.bench.results import Ceiling, with_fractions
from hack.bench.scenario import GROWTH_FINISHED
from hack.fleet.errors import FleetError
from hack.fleet.progress import Silent
from tests.unit.bench.builders import growth, replicas, result, trip

EMPTY = result(trips=[], ceilings=[])


def fail(message: str) -> None:
    raise FleetError(message)


class Shown(Silent):
    """Progress as a list of what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, title: str, usually: float = 0):  # type: ignore[no-untyped-def]
        self.said.append(title)
        return super().step(title, usually)

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_group_that_fails_loses_nothing_and_stops_nothing(tmp_path: Path) -> None:
    shown, path = Shown(), tmp_path / "result.json"
    record = Record(EMPTY, shown, 5, path)
    with record.group("first", 3):
        with record.step("a"):
            record.add(trips=[trip("a")])
        with record.step("b"):
            fail("etcd is full")
    with record.group("second", 2), record.step("d"):
        record.add(growth=[growth(GROWTH_FINISHED, 0)], replicas=[replicas(1)])
    kept = results.load(path)
    assert kept == record.result
    assert [item.name for item in kept.trips] == ["a"]
    assert (len(kept.growth), len(kept.replicas)) == (1, 1)
    [failure] = kept.failures
    assert failure.startswith(
        "first: not all could be measured (step 2 and 1 more): FleetError: etcd is full"
    )
    assert failure in kept.problems
    assert failure in shown.said
    begun = [text.split(",")[0] for text in shown.said if " of 5" in text]
    assert begun == ["1 of 5", "2 of 5", "4 of 5"]


def test_an_interruption_is_no_failure(tmp_path: Path) -> None:
    record = Record(EMPTY, Silent(), 1, tmp_path / "result.json")
    with pytest.raises(KeyboardInterrupt), record.group("first", 1):
        raise KeyboardInterrupt
    assert record.result.failures == []


def test_a_trip_with_losses_is_said_and_kept() -> None:
    shown = Shown()
    record = Record(EMPTY, shown, 1)
    record.add(trips=[trip("a", finished=59)])
    assert shown.said == record.result.problems == ["a: 1 Workflows have not finished"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FleetError("a\nb"), "FleetError: a b"),
        (
            ExceptionGroup("many", [ExceptionGroup("inner", [ValueError("x")]), KeyError("y")]),
            "ValueError: x",
        ),
    ],
)
def test_reason(error: Exception, said: str) -> None:
    assert reason(error) == said


@pytest.mark.parametrize(
    ("shape", "plain", "lean"), [("1c-2k", 0.5, 0.25), ("4c-2k", None, None), ("1c-100k", 3.0, None)]
)
def test_fractions_of_the_ceilings_of_the_same_shape(
    shape: str, plain: float | None, lean: float | None
) -> None:
    ceilings = [
        Ceiling("1c-2k", 400, 16, 60.0, 6, 3, 0.03),
        Ceiling("1c-2k", 400, 16, 120.0, 6, 3, 0.03, "lean"),
        Ceiling("1c-100k", 400, 16, 10.0, 6, 3, 0.03),
    ]
    found = with_fractions(trip(workflows_per_second=30.0), shape, ceilings)
    assert (found.of_ceiling, found.of_lean_ceiling) == (plain, lean)
