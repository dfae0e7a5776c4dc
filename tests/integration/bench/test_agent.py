"""`python -m hack.bench agent --quick` as a person runs it: counts are right, times and memory are not judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.bench.agent import figures
from hack.bench.agent.objects import QUICK
from hack.bench.agent.steps import EMPTY, FULL, KINDS, OTHERS
from tests.integration.bench.command import bench

pytestmark = pytest.mark.integration


def test_a_small_run(tmp_path: Path) -> None:
    bench("agent", "--quick", "--out", str(tmp_path))
    result = figures.load(tmp_path / "agent.json")
    assert result.size == QUICK
    found = result.figures

    there = [(item.name, item.kinds, item.ours, item.others) for item in found.footprints]
    assert there == [(EMPTY, 0, 0, 0), (KINDS, 10, 10, 0), (OTHERS, 10, 10, 50), (FULL, 10, 50, 50)]
    assert all(0 < item.rss <= item.peak_rss for item in found.footprints)
    by_name = {item.name: item for item in found.footprints}
    assert by_name[KINDS].connections >= by_name[EMPTY].connections + QUICK.kinds
    assert by_name[FULL].seconds > 0

    assert figures.writes(found.restart.requests) == 0, "all was as it should be"
    assert 0 < found.restart.ready_seconds <= found.restart.settled_seconds
    for reaction in (found.drift, found.feedback):
        assert (reaction.single.count, reaction.burst.count) == (QUICK.samples, QUICK.burst)
        assert reaction.single.p50 > 0
    assert found.late.there >= found.late.served > 0
    assert "# The agent at scale" in (tmp_path / "agent-at-scale.md").read_text()
