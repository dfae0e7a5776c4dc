"""`python -m hack.bench scale` as a person runs it, with a few clusters: counts are right, times are not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.bench.scale import figures
from hack.bench.scale.events import BURST, LABEL, RACK, TAINT, UNSEEN
from hack.bench.scale.objects import Size
from tests.integration.bench.command import bench

pytestmark = pytest.mark.integration

SIZE = Size(clusters=8, placements=6, workflows=24)


def test_a_small_run(tmp_path: Path) -> None:
    sizes = [
        f"--clusters={SIZE.clusters}",
        f"--placements={SIZE.placements}",
        f"--workflows={SIZE.workflows}",
    ]
    bench("scale", *sizes, "--out", str(tmp_path))
    found = figures.load(tmp_path / "scale.json")
    assert (found.size, found.problems) == (SIZE, [])

    # One more of each: the marker's.
    assert found.figures.decided.evaluations.all > SIZE.placements
    assert figures.decision_writes(found.figures.decided.writes) >= 2 * (SIZE.placements + 1)
    assert found.figures.restarted.evaluations.all >= SIZE.placements + 1

    changes = {item.name: item for item in found.figures.changes}
    seen_by = {name: item.seen_by for name, item in changes.items()}
    assert seen_by == {LABEL: 3, UNSEEN: 0, BURST: 3, RACK: 3, TAINT: 3}
    assert changes[UNSEEN].evaluations.all == 0
    assert figures.decision_writes(changes[TAINT].writes) >= changes[TAINT].listed_by > 0
    assert changes[TAINT].gone is not None

    placed = found.figures.placed
    assert (placed.placed, placed.writes["workflows PATCH"]) == (SIZE.workflows, SIZE.workflows)
    assert sum(placed.evenness.own.values()) == SIZE.placements
    assert "# Placement at scale" in (tmp_path / "placement-at-scale.md").read_text()
