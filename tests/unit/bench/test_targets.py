"""Whether a result reaches what is aimed at: by its figures, and never with Workflows lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hack.bench.distribution import Distribution
from hack.bench.process_usage import Usage
from hack.bench.reference import comparison
from hack.bench.results import Growth, Trip
from hack.bench.scenario import FINISHED, FULL, GROWTH_FINISHED
from hack.bench.targets import FINISHED as AT
from hack.bench.targets import targets
from tests.unit.bench.builders import growth, result, trip

FAST, SLOW = Distribution(10, 20, 50, 99), Distribution(10, 20, 50, 100)


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({"name": "burst-300-1c-2k", "of_ceiling": 0.6, "hub_writes": 9.0}, [True, True]),
        ({"name": "burst-300-1c-2k", "of_ceiling": 0.599, "hub_writes": 9.01}, [False, False]),
        ({"name": "burst-300-1c-2k", "of_ceiling": 0.9, "hub_writes": 8, "left": 1}, [False, True]),
        ({"name": "burst-300-4c-2k", "of_ceiling": 0.1, "hub_writes": 8}, [True]),
        ({"name": "steady-2-1c-2k-4s", "hub_writes": 11}, [True]),
        ({"name": "steady-2-1c-2k-4s", "hub_writes": 11.01}, [False]),
        ({"name": "steady-10-1c-2k", "dispatch": FAST, "status": FAST, "hub_writes": 9}, [True, True, True]),
        ({"name": "steady-10-1c-2k", "dispatch": SLOW, "status": FAST, "hub_writes": 9}, [False, True, True]),
        ({"name": "steady-10-1c-2k", "dispatch": FAST, "status": SLOW, "hub_writes": 9}, [True, False, True]),
        ({"name": "steady-10-1c-2k", "dispatch": Distribution(), "hub_writes": 9}, [False, True, True]),
    ],
)
def test_of_a_trip(given: dict[str, Any], reached: list[bool]) -> None:
    found = targets(result(trips=[trip(**given)]))
    assert [item.reached for item in found] == reached


@pytest.mark.parametrize(
    ("workflows", "results", "reached"), [(110_000, 105_000, True), (110_000, 300_000, False)]
)
def test_a_large_status_is_moved_once_for_each_object(
    workflows: float, results: float, reached: bool
) -> None:
    sent = {"workflows": workflows, "workflowstatusresults": results, "manifestworks/status": 1e9}
    large = trip("steady-2-1c-100k", status_bytes=102_400, hub_bytes=sent)
    assert targets(result(trips=[large]))[-1].reached == reached


def full_hub(size: int = AT, *, loaded: float = 100.0, peak_rss: float = 100.0, ready: float = 3.0) -> Growth:
    measured = growth(GROWTH_FINISHED, size)
    restart = msgspec.structs.replace(
        measured.restarts["controllers"], peak_rss=peak_rss, ready_seconds=ready
    )
    load: Trip = trip(processes={"controllers": Usage(1.0, loaded)})
    return Growth(GROWTH_FINISHED, size, {"controllers": restart}, load)


@pytest.mark.parametrize(
    ("item", "reached"),
    [
        (full_hub(), [True, True]),
        (full_hub(loaded=143.0), [True, True]),
        # The limit is in MB, what was measured in MiB.
        (full_hub(loaded=144.0), [False, True]),
        (full_hub(peak_rss=144.0), [False, True]),
        (full_hub(ready=10.0), [True, False]),
        (full_hub(5_000), []),
    ],
)
def test_of_a_full_hub(item: Growth, reached: list[bool]) -> None:
    assert [one.reached for one in targets(result(trips=[], growth=[item]))] == reached


def test_the_scenarios_that_the_targets_are_measured_in_exist() -> None:
    names = {item.name for item in FULL}
    assert {"burst-300-1c-2k", "steady-10-1c-2k", "steady-2-1c-100k", "steady-2-1c-2k"} <= names
    assert AT in FINISHED


def test_beside_the_reference() -> None:
    burst = trip("burst-300-1c-2k", workflows_per_second=31.26, dispatch=SLOW)
    table = comparison(result(trips=[burst, trip("steady-2-1c-2k", status=FAST)]))
    assert table is not None
    assert table.rows[0][:3] == ("Argosy", "31.3", "100 ms")
    assert {len(row) for row in table.rows} == {len(table.head)}
    assert comparison(result(trips=[burst])) is None
