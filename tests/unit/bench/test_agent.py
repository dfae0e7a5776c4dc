"""The agent at scale: what is put onto the cluster, what counts as a reaction, and what is said of the figures."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controllers.kube.object import Object
from hack.bench import results
from hack.bench.agent import figures, objects, page, tables
from hack.bench.agent.figures import AgentResult, Figures, Footprint, Late, Reaction
from hack.bench.agent.fill import is_applied
from hack.bench.agent.objects import PER_WORK, QUICK, Size
from hack.bench.agent.reaction import chosen, reported_phase
from hack.bench.agent.steps import EMPTY, FULL, KINDS, OTHERS
from hack.bench.cli import main
from hack.bench.distribution import distribution
from hack.bench.results import Machine, Restart
from hack.fleet.errors import FleetError

FAST = Reaction(distribution([0.01, 0.02]), distribution([0.1, 0.2]))
REQUESTS = {
    "ours": {"manifestworks/status PATCH": 3.0, "manifestworks LIST": 9.0},
    "cluster": {"sample001s PATCH": 2.0, "configmaps PATCH": 5.0},
}


def measured(*, drift: Reaction = FAST, feedback: Reaction = FAST, others_rss: float = 110.0) -> AgentResult:
    footprints = [
        Footprint(EMPTY, 0, 0, 0, 100.0, 100.0, 20),
        Footprint(KINDS, 200, 200, 0, 108.0, 110.0, 220, 2.0, 1.0),
        Footprint(OTHERS, 200, 200, 15_000, others_rss, 112.0, 220),
        Footprint(FULL, 200, 5_000, 15_000, 140.0, 150.0, 220, 20.0, 15.0),
    ]
    restart = Restart(1.0, 9.0, 5.0, 130.0, 140.0, REQUESTS)
    return AgentResult(
        date="2026-11-21",
        revision="abc1234",
        machine=Machine("a processor", 2, 8.0, "Linux 6.1"),
        versions={"kubernetes": "v1.36.3"},
        size=Size(),
        figures=Figures(footprints, restart, drift, feedback, Late(20.0, 30.0, 45.0)),
        minutes=5.0,
    )


# -- what is on the cluster ------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [Size(), QUICK, Size(20, 61, 40, 1, 1)])
def test_works_and_others_share_the_kinds(size: Size) -> None:
    size.check()
    ours = [item for work in range(size.works) for item in objects.targets(work, size)]
    names = [(item.kind, item.name) for item in ours] + objects.others(size)
    assert (len(set(names)), len(ours)) == (size.objects, size.ours)
    assert {item.kind for item in ours} == {objects.kind(number) for number in range(size.kinds)}
    first = [item.kind for work in range(size.first_works) for item in objects.targets(work, size)]
    assert Counter(first) == Counter({objects.kind(number): 1 for number in range(size.kinds)})


@pytest.mark.parametrize(
    "size",
    [
        Size(kinds=0),
        Size(kinds=201),
        Size(ours=5_001),
        Size(ours=200),
        Size(objects=5_000),
        Size(samples=501),
    ],
)
def test_sizes_that_leave_something_unmeasured(size: Size) -> None:
    with pytest.raises(FleetError, match="must be multiples of 10"):
        size.check()


def test_a_work_reports_the_phase_of_each_of_its_objects() -> None:
    wanted = [(item.kind, item.name) for item in objects.targets(3, Size())]
    spec = objects.work("w", wanted)["spec"]
    manifests = spec["workload"]["manifests"]
    assert [item["metadata"]["name"] for item in manifests] == [name for _, name in wanted]
    assert [item["resourceIdentifier"]["name"] for item in spec["manifestConfigs"]] == [
        name for _, name in wanted
    ]


# -- what is measured ------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [1, 7, 100, 500])
def test_changes_are_spread_over_the_works(number: int) -> None:
    size = Size()
    found = chosen(number, size)
    assert len({item.work for item in found}) == number
    assert len({item.ordinal for item in found}) == min(number, PER_WORK)


def work(status: dict[str, Any]) -> Object:
    return Object(msgspec.json.encode({"metadata": {"name": "w", "generation": 2}, "status": status}))


@pytest.mark.parametrize(
    ("status", "generation", "expected"),
    [("True", 2, True), ("False", 2, False), ("True", 1, False)],
)
def test_a_work_is_applied_when_its_present_state_is(status: str, generation: int, *, expected: bool) -> None:
    condition = {
        "type": "Applied",
        "status": status,
        "reason": "x",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
    }
    assert is_applied(work({"conditions": [condition]})) is expected
    assert not is_applied(work({}))


def test_the_phase_that_the_hub_was_told() -> None:
    value = {"name": "phase", "fieldValue": {"type": "String", "string": "phase-7"}}
    manifest = {
        "resourceMeta": {"ordinal": 4},
        "conditions": [],
        "statusFeedback": {"values": [value]},
    }
    found = work({"resourceStatus": {"manifests": [manifest]}})
    assert (reported_phase(found, 4), reported_phase(found, 3)) == ("phase-7", None)


def test_writes_of_the_agent() -> None:
    assert figures.writes(REQUESTS) == 5


# -- what is said ----------------------------------------------------------------------------------------
SLOW = Reaction(distribution([1.2]), distribution([0.1]))
SLOW_AT_ONCE = Reaction(distribution([0.01]), distribution([0.1, 1.2]))


@pytest.mark.parametrize(
    ("result", "broken"),
    [
        (measured(), []),
        (measured(drift=SLOW), ["one after the other"]),
        (measured(drift=SLOW_AT_ONCE), ["2 at once"]),
        (measured(feedback=SLOW), ["one after the other"]),
        (measured(feedback=SLOW_AT_ONCE), []),
        (measured(others_rss=128.0), ["15,000 objects of others"]),
    ],
)
def test_claims(result: AgentResult, broken: list[str]) -> None:
    found = [claim.scenario for claim in tables.claims(result.figures) if not claim.reached]
    assert found == broken


def test_what_each_costs() -> None:
    rows = {row[0]: row[1] for row in tables.costs(measured().figures).rows}
    assert rows["each kind that is watched, with one object of it"] == "41 KiB"
    assert rows["each object of others"] == "0.14 KiB"
    assert rows["each object of a work"] == "6.4 KiB"


def test_round_trip(tmp_path: Path) -> None:
    results.save(tmp_path / "agent.json", measured())
    assert figures.load(tmp_path / "agent.json") == measured()


def test_a_result_of_another_format_is_refused(tmp_path: Path) -> None:
    results.save(tmp_path / "agent.json", msgspec.structs.replace(measured(), format=figures.FORMAT + 1))
    with pytest.raises(FleetError, match="format"):
        figures.load(tmp_path / "agent.json")


def test_the_page_shows_the_figures() -> None:
    text = page.text(measured())
    for word in ("abc1234", "2026-11-21", "200 kinds and 20,000 objects", "by 500 works of 10 each", "45 ms"):
        assert word in text


def test_rows_have_as_many_cells_as_the_head() -> None:
    for block in re.split(r"\n\n", page.text(measured())):
        rows = [row for row in block.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_the_page_is_written_anew_from_a_result(tmp_path: Path) -> None:
    results.save(tmp_path / "agent.json", measured())
    assert main(["agent", "--from", str(tmp_path / "agent.json"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "agent-at-scale.md").read_text() == page.text(measured())


def test_a_size_that_does_not_fit_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "--kinds", "7"]) == 1
    assert "must be multiples of 10" in capsys.readouterr().err
