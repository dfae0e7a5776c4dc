"""Which cluster a Workflow would get now: gathers from caches what `decide` needs. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.placement import Placement, PlacementDecision
from controllers.kube.object import Object, readable
from controllers.runtime.cache import Key, Reader
from controllers.runtime.clock import now
from placement.capacity.backlog import Backlog
from placement.capacity.need import NOTHING, Need
from placement.capacity.promises import Promises
from placement.capacity.room import free
from placement.decide import NO_ROOM, Place, PlacementState, Wait, choose, missing
from placement.decisions import BY_PLACEMENT
from placement.evaluator.answers import Unanswered
from placement.evaluator.evaluate import SATISFIED, evaluate
from placement.evaluator.hub import Hub
from placement.explain.words import refusals
from placement.failover.loss import is_suspect, sight
from placement.load import ClusterLoad
from placement.rankings import Rankings
from placement.settings import BadSettingError, Settings, read
from placement.strategies import SCORES
from placement.strategies.candidate import Candidate


class Chooser:
    """`assume` what was chosen before it is written, `retract` it when the write failed."""

    def __init__(
        self,
        hub: Hub,
        *,
        decisions: Reader,
        load: ClusterLoad,
        promises: Promises,
        backlog: Backlog,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._hub = hub
        self._decisions = decisions
        self._load = load
        self._promises = promises
        self._backlog = backlog
        self._now = now
        self._rankings = Rankings(hub, now)
        self._free: dict[str, tuple[ManagedCluster, Need | None]] = {}

    def settings(self, workflow: Object) -> Settings:
        """What was asked for by annotations. Raises BadSettingError."""
        placement = self.placement(workflow)
        return read(workflow.metadata.annotations, placement.metadata.annotations if placement else {})

    def placement(self, workflow: Object) -> Placement | None:
        """The Placement that the Workflow names; None: it names none, or there is none of that name."""
        meta = workflow.metadata
        return self._hub.placements.by_key.get(
            (meta.namespace, meta.annotations.get(keys.PLACEMENT_ANNOTATION, ""))
        )

    def active(self, cluster: str) -> int:
        """Unfinished Workflows on the cluster."""
        return self._load.of([cluster])[cluster]

    def choose(
        self, workflow: Object, *, without: Collection[str] = (), strategy: str | None = None
    ) -> Place | Wait:
        """The cluster for the Workflow, not one of `without`; `strategy` in place of the one that was asked for."""
        outcome = self._choose(workflow, without, strategy)
        if isinstance(outcome, Wait) and outcome.reason == NO_ROOM:
            self._backlog.put(workflow, outcome.need)
        else:
            self._backlog.take(workflow.key)
        return outcome

    def _choose(self, workflow: Object, without: Collection[str], strategy: str | None) -> Place | Wait:
        meta = workflow.metadata
        name = meta.annotations.get(keys.PLACEMENT_ANNOTATION)
        state = self._state((meta.namespace, name or ""))
        if (reason := missing(meta.namespace, name, state)) is not None:
            return reason
        try:
            settings = self.settings(workflow)
        except BadSettingError as error:
            return Wait("BadSetting", f"{error} (on the Workflow or on its Placement)")
        clusters = [
            cluster
            for cluster in state.clusters
            if cluster not in without and not self._is_lost(workflow, cluster)
        ]
        if not clusters:
            message = f"Placement {name} has selected no other cluster, or none that is there"
            return Wait("NoOtherCluster", message)
        wanted = strategy or settings.strategy
        candidates = self._candidates((meta.namespace, name or ""), clusters, ranked=wanted == SCORES)
        # Where no cluster reports what is free the whole Workflow need not be decoded.
        counts = any(item.room is not None for item in candidates)
        need = settings.needed(workflow.to_dict().get("spec") or {}) if counts else NOTHING
        return choose(candidates, wanted, need, meta.uid)

    def next_for(self, cluster: str) -> Iterable[Key]:
        """Workflows that waited for room and for which the cluster has some now; whether it is one of theirs is for
        `choose` to find out."""
        room = self._room(cluster)
        return () if room is None else self._backlog.fitting(room)

    def assume(self, workflow: Key, place: Place) -> None:
        self._load.assume(workflow, place.cluster)
        if self._room(place.cluster) is not None:
            self._promises.give(workflow, place.cluster, place.need)

    def retract(self, workflow: Key) -> None:
        self._load.retract(workflow)
        self._promises.take_back(workflow)

    # -- reading ----------------------------------------------------------------------------------------

    def _is_lost(self, workflow: Object, cluster: str) -> bool:
        """Whether a cluster has been lost since it was selected: the decision follows, some 100 ms later."""
        found = self._hub.clusters.by_key.get(("", cluster))
        if found is None or not is_suspect(found):
            return False
        placement = self.placement(workflow)
        return sight(found, placement.spec.tolerations if placement else (), self._now()).loss is not None

    def _candidates(self, placement: Key, clusters: Sequence[str], *, ranked: bool) -> list[Candidate]:
        active = self._load.of(clusters)
        ranks: Mapping[str, int] = {}
        if ranked:
            names = self._rankings.of(placement, clusters).names
            ranks = {name: place for place, name in enumerate(names)}
        return [
            Candidate(name, active.get(name, 0), ranks.get(name, len(clusters)), self._room(name))
            for name in clusters
        ]

    def _room(self, cluster: str) -> Need | None:
        found = self._hub.clusters.by_key.get(("", cluster))
        if found is None:
            return None
        known = self._free.get(cluster)
        if known is None or known[0] is not found:  # read once per report, not once per Workflow
            known = self._free[cluster] = (found, free(found.status.allocatable))
        reported = known[1]
        return None if reported is None else reported.minus(self._promises.on(cluster))

    def _state(self, key: Key) -> PlacementState:
        found = self._hub.placements.by_key.get(key)
        if found is None:
            return PlacementState(exists=False)
        pages = self._pages(key)
        clusters = tuple(item.cluster_name for page in pages for item in page.status.decisions)
        return PlacementState(exists=True, clusters=clusters, why="" if clusters else self._why(key, found))

    def _pages(self, key: Key) -> list[PlacementDecision]:
        pages = [
            page
            for page in readable(self._decisions.by_index(BY_PLACEMENT, "/".join(key)), PlacementDecision)
            if page.metadata.deletion_timestamp is None
        ]
        return sorted(pages, key=lambda page: page.metadata.name)

    def _why(self, key: Key, placement: Placement) -> str:
        """What the Placement says of itself, and what keeps each of its clusters off."""
        conditions = placement.status.conditions or []
        said = next((item.message for item in conditions if item.type == SATISFIED), "")
        try:
            found = refusals(evaluate(placement, self._hub.snapshot(key, [], self._now())))
        except Unanswered:
            # The evaluator of this process asks; where Open Cluster Management decides, its own words must do.
            found = ""
        return ": ".join(filter(None, (said, found)))
