"""What holds for the results and pages of all studies."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from hack.bench import results
from hack.bench.agent import figures as agent_figures
from hack.bench.agent import page as agent_page
from hack.bench.cli import main
from hack.bench.scale import figures as scale_figures
from hack.bench.scale import page as scale_page
from hack.bench.study.result import StudyResult
from hack.fleet.errors import FleetError
from tests.unit.bench.studies import agent_result, scale_result


class Study(NamedTuple):
    """`page` is the page's file."""

    command: str
    page: str
    result: StudyResult[Any, Any]
    load: Callable[[Path], StudyResult[Any, Any]]
    text: str


STUDIES = [
    Study("agent", "agent-at-scale.md", agent_result(), agent_figures.load, agent_page.text(agent_result())),
    Study(
        "scale", "placement-at-scale.md", scale_result(), scale_figures.load, scale_page.text(scale_result())
    ),
]
every_study = pytest.mark.parametrize("study", STUDIES, ids=[study.command for study in STUDIES])


@every_study
def test_round_trip(study: Study, tmp_path: Path) -> None:
    results.save(tmp_path / "result.json", study.result)
    assert study.load(tmp_path / "result.json") == study.result


@every_study
def test_a_result_of_another_format_is_refused(study: Study, tmp_path: Path) -> None:
    other = msgspec.structs.replace(study.result, format=study.result.format + 1)
    results.save(tmp_path / "result.json", other)
    with pytest.raises(FleetError, match="format"):
        study.load(tmp_path / "result.json")


@every_study
def test_rows_have_as_many_cells_as_the_head(study: Study) -> None:
    for block in re.split(r"\n\n", study.text):
        rows = [row for row in block.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


@every_study
def test_the_page_is_written_anew_from_a_result(study: Study, tmp_path: Path) -> None:
    results.save(tmp_path / "result.json", study.result)
    assert main([study.command, "--from", str(tmp_path / "result.json"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / study.page).read_text() == study.text
