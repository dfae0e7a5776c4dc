"""Placement at scale: what is put onto the hub, how metrics are read, and what is said of the figures."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from controllers.api import keys
from controllers.kube.object import Object
from hack.bench.cli import main
from hack.bench.scale import figures, objects, page, tables, tally
from hack.bench.scale.events import BURST, LABEL, RACK, TAINT, UNSEEN
from hack.bench.scale.figures import Evaluations, Evenness, ScaleResult
from hack.bench.scale.fill import PlacementKey, gathered, is_complete
from hack.bench.scale.objects import MARKER, Size
from hack.bench.scale.placing import Seat, evenness
from hack.bench.scale.probe import writes
from hack.fleet.errors import FleetError
from tests.unit.bench.studies import change, scale_result


# -- what is on the hub ----------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [Size(), Size(8, 2, 1), Size(47, 31, 100)])
def test_sets_share_clusters_and_placements(size: Size) -> None:
    size.check()
    sets = range(size.sets)
    clusters = [name for number in sets for name in size.clusters_of(number)]
    placements = [name for number in sets for name in size.placements_of(number)]
    assert len(set(clusters)) == len(clusters) == size.clusters
    assert len(set(placements)) == len(placements) == size.placements
    assert min(len(size.clusters_of(number)) for number in sets) > objects.SELECTED


def test_the_size_that_was_asked_for() -> None:
    size = Size()
    assert (size.sets, len(size.clusters_of(0)), len(size.placements_of(19))) == (20, 50, 50)


@pytest.mark.parametrize("size", [Size(7, 2, 1), Size(8, 1, 1), Size(8, 2, 0), Size(0, 0, 0), Size(-8, 2, 1)])
def test_too_few_of_something(size: Size) -> None:
    with pytest.raises(FleetError, match="at least 8 clusters, 2 Placements and 1 Workflow"):
        size.check()


def test_every_placement_gets_as_many_workflows() -> None:
    size = Size(40, 20, 100)
    found: Counter[tuple[str, str]] = Counter()
    for name, draft in objects.workflows(size).items():
        metadata = msgspec.json.decode(draft.body)["metadata"]
        assert (metadata["name"], metadata["namespace"]) == (name, draft.namespace)
        found[draft.namespace, metadata["annotations"][keys.PLACEMENT_ANNOTATION]] += 1
    wanted = {
        (objects.namespace_name(number), name): 5
        for number in range(size.sets)
        for name in size.placements_of(number)
    }
    assert found == wanted


# -- what was counted ------------------------------------------------------------------------------------
def test_only_the_evaluator_is_counted() -> None:
    lines = [
        'controller_runtime_reconcile_total{controller="evaluator",result="success"} 5.0',
        'controller_runtime_reconcile_total{controller="evaluator",result="conflict"} 2.0',
        'controller_runtime_reconcile_total{controller="health",result="success"} 70.0',
        'controller_runtime_reconcile_created{controller="evaluator",result="success"} 1.7e9',
        'workqueue_depth{name="evaluator"} 0.0',
        'controller_runtime_active_workers{controller="evaluator"} 0.0',
    ]
    found = tally.parse("\n".join(lines))
    assert found == (7, 2, True)
    assert found.since(tally.Tally(4, 2, True)) == Evaluations(3, 0)
    assert not tally.parse("\n".join([*lines, 'workqueue_depth{name="placement"} 3.0'])).is_idle


def test_writes_of_placing() -> None:
    found = {
        "ours": {"placementdecisions/status PATCH": 3.0, "managedclusters PATCH": 2.0},
        "user": {"workflows POST": 4.0},
        "events": {"events POST": 9.0},
        "leases": {"leases PUT": 2.0},
        "reads": {"placements LIST": 1.0},
        "cluster": {"managedclustersets/status PATCH": 1.0, "endpoints PATCH": 5.0},
    }
    sent = {"managedclusters PATCH": 1, "workflows POST": 4}
    assert writes(found, sent) == {
        "managedclusters PATCH": 1,
        "managedclustersets/status PATCH": 1,
        "placementdecisions/status PATCH": 3,
    }


def test_writes_by_what_they_are_about() -> None:
    found = {"placementdecisions POST": 2, "placementdecisions/status PATCH": 3, "placements/status PATCH": 4}
    other = {"managedclusters PATCH": 5}
    assert figures.decision_writes(found | other) == 5
    assert figures.status_writes(found | other) == 4
    assert figures.other_writes(found | other) == 5


def test_decisions_of_several_pages() -> None:
    def of(name: str, *clusters: str) -> Object:
        decided = [{"clusterName": cluster, "reason": ""} for cluster in clusters]
        metadata = {"name": name, "namespace": "a", "labels": {keys.PLACEMENT_LABEL: "p"}}
        return Object(msgspec.json.encode({"metadata": metadata, "status": {"decisions": decided}}))

    assert gathered([of("p-decision-1", "c1", "c2"), of("p-decision-2", "c3")]) == {
        PlacementKey("a", "p"): ["c1", "c2", "c3"]
    }


def test_all_is_decided_when_each_has_its_clusters() -> None:
    size = Size(8, 2, 1)
    found = {
        PlacementKey(objects.namespace_name(number), objects.placement_name(number)): ["a", "b", "c"]
        for number in range(2)
    }
    marker = {PlacementKey(MARKER, MARKER): ["m"]}
    assert is_complete(found | marker, size)
    assert not is_complete(found, size)
    assert not is_complete({**found, PlacementKey("team-00", "placement-00000"): ["a"]} | marker, size)


def test_evenness() -> None:
    p, q = PlacementKey("a", "p"), PlacementKey("a", "q")
    decided = {p: ["c1", "c2"], q: ["c2", "c3"], PlacementKey("a", "idle"): ["c1"]}
    seats = [Seat(p, "c1", 0), Seat(p, "c1", 0), Seat(q, "c2", 0), Seat(q, "c3", 0)]
    assert evenness(decided, seats) == Evenness(own={0: 1, 2: 1}, all={0: 1, 1: 1})


# -- what is said ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("result", "broken"),
    [
        (scale_result(), ""),
        (scale_result(change(LABEL, 50, 1_000)), LABEL),
        (scale_result(change(UNSEEN, 0, 50)), UNSEEN),
        (scale_result(change(BURST, 50, 100, sent=290.0)), ""),
        (scale_result(change(BURST, 50, 101, sent=290.0)), BURST),
        (scale_result(change(RACK, 50, 51, sent=40.0)), RACK),
        (
            scale_result(change(LABEL, writes={"placementdecisions/status PATCH": 2})),
            f"started again, and {LABEL}",
        ),
    ],
)
def test_claims(result: ScaleResult, broken: str) -> None:
    found = tables.claims(result.figures)
    assert [claim.scenario for claim in found if not claim.reached] == ([broken] if broken else [])


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (scale_result(placed=9_990), "10 Workflows got no cluster"),
        (scale_result(strayed=2), "2 Workflows got a cluster that was not decided"),
        (scale_result(change(TAINT, 50, 49)), "a taint: 49 evaluations, though 50 Placements can see it"),
    ],
)
def test_the_page_says_what_went_wrong(result: ScaleResult, said: str) -> None:
    assert result.problems == [said]
    assert f"- {said}" in page.text(result)


def test_the_page_shows_the_figures() -> None:
    text = page.text(scale_result(change(TAINT, gone=149.0, listed_by=7)))
    for word in ("abc1234", "2026-11-21", "`--controllers placement`", "1,000 clusters in 20 sets", "2,007"):
        assert word in text
    assert "a taint (7 Placements had selected it) | 50 | 50 |" in text
    assert "| the Placement's own | 1 | 3 | 3 |" in text
    assert "Not all went well" not in text


def test_a_size_that_is_too_small_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", "--clusters", "3"]) == 1
    assert "at least 8 clusters" in capsys.readouterr().err
