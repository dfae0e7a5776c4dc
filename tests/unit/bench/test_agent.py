"""The agent at scale: what is put onto the cluster, what counts as a reaction, and what is said of the figures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from controllers.kube.object import Object
from hack.bench.agent import figures, objects, page, tables
from hack.bench.agent.figures import AgentResult, Reaction
from hack.bench.agent.fill import is_applied
from hack.bench.agent.objects import PER_WORK, QUICK, Size, chosen
from hack.bench.agent.reports import reported_phase, with_phase
from hack.bench.cli import main
from hack.bench.distribution import distribution
from hack.fleet.errors import FleetError
from tests.unit.bench.studies import REQUESTS, agent_result


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
    other = work(with_phase(found, 4, "phase-8"))
    assert (reported_phase(other, 4), reported_phase(other, 3)) == ("phase-8", None)


def test_writes_of_the_agent() -> None:
    assert figures.writes(REQUESTS) == 5


# -- what is said ----------------------------------------------------------------------------------------
SLOW = Reaction(distribution([1.2]), distribution([0.1]))
SLOW_AT_ONCE = Reaction(distribution([0.01]), distribution([0.1, 1.2]))


@pytest.mark.parametrize(
    ("result", "broken"),
    [
        (agent_result(), []),
        (agent_result(drift=SLOW), ["one after the other"]),
        (agent_result(drift=SLOW_AT_ONCE), ["2 at once"]),
        (agent_result(feedback=SLOW), ["one after the other"]),
        (agent_result(feedback=SLOW_AT_ONCE), []),
        (agent_result(others_rss=128.0), ["15,000 objects of others"]),
    ],
)
def test_claims(result: AgentResult, broken: list[str]) -> None:
    found = [claim.scenario for claim in tables.claims(result.figures) if not claim.reached]
    assert found == broken


def test_what_each_costs() -> None:
    rows = {row[0]: row[1] for row in tables.costs(agent_result().figures).rows}
    assert rows["each kind that is watched, with one object of it"] == "41 KiB"
    assert rows["each object of others"] == "0.14 KiB"
    assert rows["each object of a work"] == "6.4 KiB"


def test_the_page_shows_the_figures() -> None:
    text = page.text(agent_result())
    for word in ("abc1234", "2026-11-21", "200 kinds and 20,000 objects", "by 500 works of 10 each", "45 ms"):
        assert word in text


def test_a_size_that_does_not_fit_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "--kinds", "7"]) == 1
    assert "must be multiples of 10" in capsys.readouterr().err
