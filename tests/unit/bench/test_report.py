"""The result file, the page that is written from it, and its plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hack.bench import report, results
from hack.bench.cli import main
from hack.bench.distribution import Distribution
from hack.bench.results import Result
from hack.bench.scenario import GROWTH_CLUSTERS, GROWTH_FINISHED
from hack.bench.tables import Table, latency, markdown
from hack.fleet.errors import FleetError
from tests.unit.bench.builders import EMPTY, growth, replicas, result, storage, trip

FULL = result(
    trips=[trip(), trip("steady-2-1c-2k", of_ceiling=None), trip("lost", dispatch=EMPTY, status=EMPTY)],
    growth=[
        growth(GROWTH_FINISHED, 0, storage=storage(1_000_000, None)),
        growth(GROWTH_FINISHED, 1000, storage=storage()),
        growth(GROWTH_CLUSTERS, 1, decided_seconds=0.02),
        growth(GROWTH_CLUSTERS, 10, decided_seconds=0.03),
    ],
    replicas=[replicas(1), replicas(2), replicas(4)],
)
ALL_PLOTS = ("latency", "throughput", "requests", "growth", "storage", "replicas")


def test_round_trip(tmp_path: Path) -> None:
    results.save(tmp_path / "sub" / "result.json", FULL)
    assert results.load(tmp_path / "sub" / "result.json") == FULL


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot read"), ("{", "is not a result"), ("[]", "is not a result"), ("{}", "is not a result")],
)
def test_an_unreadable_result_is_explained(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FleetError, match=problem):
        results.load(path)


def test_a_result_of_another_format_is_refused(tmp_path: Path) -> None:
    results.save(tmp_path / "result.json", result(format=results.FORMAT + 1))
    with pytest.raises(FleetError, match="format"):
        results.load(tmp_path / "result.json")


def test_the_page_shows_every_scenario_and_links_its_plots(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    report.write(FULL, page)
    text = page.read_text()
    for name in ("burst-60-1c-2k", "steady-2-1c-2k", "lost", "abc1234", "2026-11-21", "1,000"):
        assert name in text
    drawn = {path.name for path in (tmp_path / "img").iterdir()}
    assert drawn == {f"performance-{name}.png" for name in ALL_PLOTS}
    for name in drawn:
        assert f"(img/{name})" in text
        assert (tmp_path / "img" / name).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("measured", "drawn"),
    [
        (result(trips=[], ceilings=[]), set()),
        (result(trips=[trip(of_ceiling=None)]), {"latency", "requests"}),
        (result(trips=[], growth=[growth(GROWTH_CLUSTERS, 1)]), {"growth"}),
        (result(trips=[], replicas=[replicas(1)]), {"replicas"}),
    ],
)
def test_a_part_of_the_scenarios_gives_a_part_of_the_page(
    tmp_path: Path, measured: Result, drawn: set[str]
) -> None:
    report.write(measured, tmp_path / "performance.md")
    assert {path.name for path in (tmp_path / "img").iterdir()} == {f"performance-{one}.png" for one in drawn}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "All 60 Workflows ended on the hub with the status of their copies"),
        ({"finished": 58}, "burst-60-1c-2k: 2 Workflows have not finished"),
        ({"wrong": 1}, "burst-60-1c-2k: 1 Workflows have another status than their copy"),
        ({"left": 4}, "burst-60-1c-2k: 4 objects were left behind"),
        ({"ended": ["etcd"]}, "burst-60-1c-2k: etcd ended by itself"),
    ],
)
def test_the_page_says_what_went_wrong(given: dict[str, Any], said: str) -> None:
    assert said in report.text(result(trips=[trip(**given)]), {})


def test_the_page_says_what_could_not_be_measured() -> None:
    failure = "growth-clusters: not all could be measured (step 4): FleetError: no answer"
    assert f"- {failure}" in report.text(result(failures=[failure]), {})


@pytest.mark.parametrize(("share", "reached"), [(0.7, "yes"), (0.5, "**no**")])
def test_the_targets_stand_at_the_top(share: float, reached: str) -> None:
    burst = trip("burst-300-1c-2k", of_ceiling=share, of_lean_ceiling=0.4, hub_writes=8.0)
    page = report.text(result(trips=[burst, trip("steady-2-1c-2k", hub_writes=8.0)]), {})
    top = page.partition("## What is measured")[0]
    row = next(line for line in top.splitlines() if line.startswith("| a burst of 300"))
    assert f"| at least 0.6 | {share:.2f} (of the lean one 0.40) | {reached} |" in row
    assert "| reference implementation | 2.0 |" in top


def test_rows_have_as_many_cells_as_the_head() -> None:
    for line in report.text(FULL, {}).split("\n\n"):
        rows = [row for row in line.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_markdown() -> None:
    assert markdown(Table(("a", "b"), [("x", "1")])) == "| a | b |\n| --- | ---: |\n| x | 1 |\n"


def test_latency_in_the_unit_that_suits_it() -> None:
    assert latency(EMPTY) == ""
    assert latency(trip().dispatch) == "20 / 29 / 30 ms"
    slow = Distribution(3, 1_000, 9_000, 12_000)
    assert latency(slow) == "1.0 / 9.0 / 12.0 s"


def test_the_command_compares_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, hub_writes in (("old", 12.0), ("new", 9.0)):
        results.save(tmp_path / name, result(trips=[trip(hub_writes=hub_writes)]))
    assert main(["compare", str(tmp_path / "old"), str(tmp_path / "new")]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "hub writes" in line)
    assert line.split()[-4:] == ["12", "9", "0.75", "better"]


def test_only_may_be_given_several_times(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--only", "nothing-like-it", "--only", "burst-300-1c-2k", "growth-*"]
    assert main(arguments) == 1
    assert "no scenario is called nothing-like-it" in capsys.readouterr().err


def test_the_command_says_which_scenarios_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--only", "burst-3"]) == 1
    assert "no scenario is called burst-3; there are burst-300-1c-2k" in capsys.readouterr().err
