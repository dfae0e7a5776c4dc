"""Results of the studies for tests, with what a test is about given by name."""

from __future__ import annotations

from typing import Any

from hack.bench.agent import objects as agent_objects
from hack.bench.agent.figures import AgentResult, Footprint, Late, Reaction
from hack.bench.agent.figures import Figures as AgentFigures
from hack.bench.agent.steps import EMPTY, FULL, KINDS, OTHERS
from hack.bench.distribution import distribution
from hack.bench.process_usage import Usage
from hack.bench.results import Machine, Restart
from hack.bench.scale import objects as scale_objects
from hack.bench.scale.events import BURST, LABEL, RACK, TAINT, UNSEEN
from hack.bench.scale.figures import Change, Evaluations, Evenness, Placed, ScaleResult, Start
from hack.bench.scale.figures import Figures as ScaleFigures

# What is the same in both.
SETTING: dict[str, Any] = {
    "date": "2026-11-21",
    "revision": "abc1234",
    "machine": Machine("a processor", 2, 8.0, "Linux 6.1"),
    "versions": {"kubernetes": "v1.36.3"},
}

FAST = Reaction(distribution([0.01, 0.02]), distribution([0.1, 0.2]))
REQUESTS = {
    "ours": {"manifestworks/status PATCH": 3.0, "manifestworks LIST": 9.0},
    "cluster": {"sample001s PATCH": 2.0, "configmaps PATCH": 5.0},
}


def agent_result(
    *, drift: Reaction = FAST, feedback: Reaction = FAST, others_rss: float = 110.0
) -> AgentResult:
    footprints = [
        Footprint(EMPTY, 0, 0, 0, 100.0, 100.0, 20),
        Footprint(KINDS, 200, 200, 0, 108.0, 110.0, 220, 2.0, 1.0),
        Footprint(OTHERS, 200, 200, 15_000, others_rss, 112.0, 220),
        Footprint(FULL, 200, 5_000, 15_000, 140.0, 150.0, 220, 20.0, 15.0),
    ]
    restart = Restart(1.0, 9.0, 5.0, 130.0, 140.0, REQUESTS)
    return AgentResult(
        **SETTING,
        size=agent_objects.Size(),
        figures=AgentFigures(
            footprints, restart, drift, feedback, distribution([0.1, 0.2]), Late(20.0, 30.0, 45.0)
        ),
        minutes=5.0,
    )


START = Start(1.0, 9.0, 5.0, 100.0, 120.0, Evaluations(2_007, 3), {"placementdecisions POST": 1_001})
AGAIN = Start(1.0, 2.0, 2.0, 100.0, 110.0, Evaluations(1_001), {})


def change(name: str, seen_by: int = 50, evaluations: int = 50, **given: Any) -> Change:
    values: dict[str, Any] = {
        "requests": 1,
        "writes": {},
        "controllers": Usage(0.2, 120.0),
        "sent": 5.0,
        "evaluated": 150.0,
    }
    return Change(name=name, seen_by=seen_by, evaluations=Evaluations(evaluations), **(values | given))


def scale_result(*changes: Change, **given: Any) -> ScaleResult:
    placed: dict[str, Any] = {
        "workflows": 10_000,
        "in_flight": 64,
        "placed": 10_000,
        "strayed": 0,
        "seconds": 40.0,
        "latency": distribution([0.1, 0.2]),
        "writes": {"workflows PATCH": 10_000},
        "events": 9_000,
        "processes": {"controllers": Usage(7.0, 170.0)},
        "evenness": Evenness({1: 900, 3: 100}, {0: 1_000}),
    }
    found = {
        item.name: item
        for item in (change(LABEL), change(UNSEEN, 0, 0), change(BURST), change(RACK), change(TAINT))
    }
    found |= {item.name: item for item in changes}
    return ScaleResult(
        **SETTING,
        size=scale_objects.Size(),
        figures=ScaleFigures("placement", START, AGAIN, list(found.values()), Placed(**(placed | given))),
        minutes=1.5,
    )
