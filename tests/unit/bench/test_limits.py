"""The one-minute version fails for more writes, for lost and for wrong Workflows; never for time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hack.bench import limits
from hack.bench.cli import LIMITS
from hack.bench.limits import Limits, exceeded
from hack.bench.scenario import QUICK
from hack.fleet.errors import FleetError
from tests.unit.bench.builders import trip

ALLOWED = Limits(hub_writes={"burst-60-1c-2k": 12.0})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, None),
        ({"hub_writes": 11.0}, None),
        ({"cleanup_seconds": 1e6, "workflows_per_second": 0.001}, None),
        ({"hub_writes": 12.1}, "12.1 hub writes per Workflow, 12 allowed"),
        ({"finished": 58}, "2 Workflows have not finished"),
        ({"left": 3}, "3 objects were left behind"),
        ({"wrong": 1}, "1 Workflows have another status"),
        ({"name": "burst-61-1c-2k"}, "no limit is known"),
    ],
)
def test_exceeded(given: dict[str, Any], problem: str | None) -> None:
    found = exceeded([trip(**given)], ALLOWED)
    assert len(found) == (problem is not None)
    assert problem is None or problem in found[0]


def test_every_quick_scenario_has_a_limit_in_the_repository() -> None:
    assert set(limits.load(LIMITS).hub_writes) == {item.name for item in QUICK}


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot read"):
        limits.load(tmp_path / "quick.json")
