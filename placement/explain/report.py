"""Why a Placement has which clusters, and a Workflow which of them. Pure: the same rules that the controllers go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers.api import keys
from controllers.api.attempts import tried
from controllers.api.placement import Placement
from controllers.hub import is_finished
from controllers.kube.object import Object
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Key
from placement.capacity.need import Need
from placement.capacity.room import free
from placement.decide import Place, PlacementState, Wait, choose, missing
from placement.evaluator.evaluate import Evaluation, evaluate, is_left_alone
from placement.evaluator.snapshot import selected
from placement.explain.gather import Live
from placement.explain.words import refusals
from placement.settings import BadSettingError, Settings, read
from placement.strategies.candidate import Candidate


@dataclass(frozen=True)
class Row:
    """One cluster. `wanted`: the rules select it; `decided`: the PlacementDecisions list it. `scores` by prioritizer;
    `total` None: it did not come so far. `why_not`: what keeps it off."""

    cluster: str
    wanted: bool
    decided: bool
    total: int | None
    scores: Mapping[str, int]
    why_not: str
    active: int
    room: Need | None


@dataclass(frozen=True)
class PlacementReport:
    """`outside`: how many clusters are in none of the Placement's sets. `weights` by prioritizer. `is_left_alone`: an
    annotation keeps evaluators off."""

    key: Key
    evaluation: Evaluation
    rows: Sequence[Row]
    outside: int
    weights: Mapping[str, int]
    is_left_alone: bool

    @property
    def chosen(self) -> list[Row]:
        """Those that a Workflow may get: decided, or, where nothing is decided yet, wanted."""
        decided = [row for row in self.rows if row.decided]
        return decided or [row for row in self.rows if row.wanted]


@dataclass(frozen=True)
class WorkflowReport:
    """`need`: what it needs at its widest, estimated unless the settings say it. `now`: what would become of it if it
    were placed now; None: it has ended. `placement` None: it names none that is there."""

    key: Key
    cluster: str
    attempts: Sequence[str]
    choice: str
    waiting: str
    phase: str
    settings: Settings
    need: Need
    now: Place | Wait | None
    placement: PlacementReport | None


def explain_placement(live: Live, placement: Placement, now: datetime) -> PlacementReport:
    """By the rules of our evaluator, which are those of Open Cluster Management's."""
    meta = placement.metadata
    key = (meta.namespace, meta.name)
    found = evaluate(placement, live.snapshot(key, now))
    decided = set(selected(live.pages(key)))
    refused = {name: reason for step in found.steps for name, reason in step.refused.items()}
    names = [*found.ranking.names, *sorted(found.candidates.difference(found.ranking.names))]
    names += sorted({*found.clusters, *decided}.difference(names))  # kept, since nothing could be evaluated
    rows = [
        Row(
            cluster=name,
            wanted=name in found.clusters,
            decided=name in decided,
            total=found.ranking.total.get(name),
            scores={title: scores[name] for title, scores in found.ranking.scores.items() if name in scores},
            why_not=refused.get(name, "") if name not in found.clusters else "",
            active=live.active[name],
            room=_room(live, name),
        )
        for name in names
    ]
    outside = sum(name not in found.candidates for _, name in live.clusters)
    return PlacementReport(key, found, rows, outside, found.ranking.weights, is_left_alone(placement))


def explain_workflow(live: Live, workflow: Object, now: datetime) -> WorkflowReport:
    """What was given away within the last seconds is not known here; else by the rules of the placement controller."""
    meta = workflow.metadata
    name = meta.annotations.get(keys.PLACEMENT_ANNOTATION, "")
    placement = live.placements.get((meta.namespace, name)) if name else None
    report = None if placement is None else explain_placement(live, placement, now)
    settings, problem = _settings(meta.annotations, placement)
    body = workflow.to_dict()
    need = settings.needed(body.get("spec"))
    now_it_would: Place | Wait | None = None
    if not is_finished(workflow):
        now_it_would = problem or _now(meta.namespace, name, report, settings, need, meta.uid)
    return WorkflowReport(
        key=workflow.key,
        cluster=placed_cluster(workflow),
        attempts=tried(meta.annotations),
        choice=meta.annotations.get(keys.CHOICE_ANNOTATION, ""),
        waiting=meta.annotations.get(keys.WAITING_ANNOTATION, ""),
        phase=str(status.get("phase") or "") if isinstance(status := body.get("status"), dict) else "",
        settings=settings,
        need=need,
        now=now_it_would,
        placement=report,
    )


def _settings(annotations: Mapping[str, str], placement: Placement | None) -> tuple[Settings, Wait | None]:
    try:
        return read(annotations, placement.metadata.annotations if placement else {}), None
    except BadSettingError as error:
        return Settings(), Wait("BadSetting", str(error))


def _now(
    namespace: str, name: str, report: PlacementReport | None, settings: Settings, need: Need, uid: str
) -> Place | Wait:
    rows = [] if report is None else report.chosen
    why = "" if report is None else refusals(report.evaluation)
    state = PlacementState(report is not None, [row.cluster for row in rows], why)
    if (reason := missing(namespace, name, state)) is not None:
        return reason
    candidates = [Candidate(row.cluster, row.active, place, row.room) for place, row in enumerate(rows)]
    return choose(candidates, settings.strategy, need, uid)


def _room(live: Live, cluster: str) -> Need | None:
    found = live.clusters.get(("", cluster))
    return None if found is None else free(found.status.allocatable)
