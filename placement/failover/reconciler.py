"""Watches over Workflows whose cluster is lost: tells their users, and sends those on that are to be rescheduled.

One write is what moves a Workflow: it names the new cluster and the attempt, and takes back the status that the old one
had reported. Guarded by the version that it was decided on, it happens before or after any report of the old cluster,
never half; from then on what that cluster says is of an earlier attempt, and does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from controllers.api import keys
from controllers.api.attempts import attempt, next_attempt
from controllers.api.kinds import WORKFLOW
from controllers.api.workflow import Workflow
from controllers.hub import CLUSTER_LOST, Waiting, is_finished, works_of
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch, untracked
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Reader
from controllers.runtime.clock import now
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Result
from placement.chooser import Chooser
from placement.decide import Place
from placement.evaluator.hub import Hub
from placement.failover.decide import Stay, decide
from placement.failover.loss import Loss, is_suspect, sight
from placement.settings import BadSettingError, Settings
from placement.strategies import DEFAULT

log = structlog.get_logger(__name__)


class Failover:
    """`works` are the hub's ManifestWorks, indexed BY_NAME; `now` is an aware time."""

    def __init__(
        self,
        client: Client,
        hub: Hub,
        *,
        workflows: OwnWrites,
        works: Reader,
        chooser: Chooser,
        waiting: Waiting,
        recorder: Recorder,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._client = client
        self._hub = hub
        self._workflows = workflows
        self._works = works
        self._chooser = chooser
        self._waiting = waiting
        self._recorder = recorder
        self._now = now
        self._noticed: dict[
            str, datetime
        ] = {}  # cluster -> when a loss was seen that doesn't say since when it is

    def is_concerned(self, workflow: Object) -> bool:
        """Whether `watch` has anything to do for a change of this Workflow; cheap, for it is asked for each."""
        cluster = placed_cluster(workflow)
        if not cluster or is_finished(workflow) or workflow.metadata.deletion_timestamp is not None:
            return False
        found = self._hub.clusters.by_key.get(("", cluster))
        if found is None and self._hub.clusters.is_unreadable(("", cluster)):
            return False  # nobody can say that it is lost
        return found is None or is_suspect(found) or self._waiting.cause(workflow) == CLUSTER_LOST

    async def watch(self, workflow: Object) -> Result:
        """For a Workflow that has a cluster. Raises ApiError."""
        if not self.is_concerned(workflow):
            return Result.done()
        cluster = placed_cluster(workflow)
        placement = self._chooser.placement(workflow)
        found = self._hub.clusters.by_key.get(("", cluster))
        seen = sight(found, placement.spec.tolerations if placement else (), self._now())
        if seen.loss is None:
            self._noticed.pop(cluster, None)
            return await self._found_again(workflow, seen.until)
        return await self._lost(workflow, cluster, seen.loss, is_known=found is not None)

    async def _found_again(self, workflow: Object, until: datetime | None) -> Result:
        if self._waiting.cause(workflow) == CLUSTER_LOST:
            await self._waiting.clear(workflow)
        return self._at(until)

    async def _lost(self, workflow: Object, cluster: str, loss: Loss, *, is_known: bool) -> Result:
        settings, problem = self._settings(workflow)
        works = works_of(self._works, workflow)
        is_sent = any(work.metadata.namespace == cluster for work in works)
        if not is_sent and (works or not is_known or not settings.reschedules):
            return Result.done()  # who could not send it there says why; two who speak would never end
        decision = decide(
            loss,
            settings,
            noticed=self._noticed.setdefault(cluster, self._now()),
            now=self._now(),
            seed=workflow.metadata.uid,
            others=self._chooser.active(cluster),
        )
        if isinstance(decision, Stay):
            if decision.words and is_sent:
                await self._tell(workflow, f"cluster {cluster} {decision.words}{problem}")
            return self._at(decision.until)
        # A cluster that still has something of an earlier attempt has to clean it up first.
        taken = {cluster, *(work.metadata.namespace for work in works)}
        # Whatever strategy puts new Workflows on one cluster, those of a lost one are not to overrun it.
        outcome = self._chooser.choose(workflow, without=taken, strategy=DEFAULT)
        if isinstance(outcome, Place):
            await self._move(workflow, cluster, outcome, loss)
            return Result.done()
        if is_sent:
            words = f"{loss.words}, and it can't go elsewhere yet: {outcome.message}"
            await self._tell(workflow, f"cluster {cluster} {words}")
        return Result.recheck(after=_RETRY.total_seconds())

    async def _move(self, workflow: Object, lost: str, place: Place, loss: Loss) -> None:
        meta = workflow.metadata
        number = attempt(meta.annotations) + 1
        annotations = {
            keys.CLUSTER_ANNOTATION: place.cluster,
            keys.PLACED_UID_ANNOTATION: meta.uid,
            keys.ATTEMPTS_ANNOTATION: next_attempt(meta.annotations, place.cluster),
            keys.CHOICE_ANNOTATION: f"attempt {number}, since {lost} {loss.words}; {place.why}",
            keys.WAITING_ANNOTATION: None,
        }
        labels = {keys.PHASE_LABEL: "Pending", keys.COMPLETED_LABEL: "false"}
        reported: dict[str, Any] = workflow.to_dict().get("status") or {}
        body = {
            "metadata": {"annotations": annotations, "labels": labels} | untracked(meta),
            "status": dict.fromkeys(reported) | {"phase": "Pending"},
        }
        patch = merge_patch(body, resource_version=meta.resource_version)
        self._chooser.assume(workflow.key, place)
        try:
            moved = await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        except BaseException:
            self._chooser.retract(workflow.key)
            raise
        self._workflows.record(moved)
        log.warning("workflow_rescheduled", lost=lost, cluster=place.cluster, attempt=number, why=loss.words)
        self._recorder.warning(
            workflow,
            "Rescheduled",
            f"cluster {lost} {loss.words}: attempt {number} goes to cluster {place.cluster} ({place.why})",
        )

    # -- helpers ----------------------------------------------------------------------------------------

    def _settings(self, workflow: Object) -> tuple[Settings, str]:
        """What was asked for. A mistake in it is no reason to move, and what is to stop need not start elsewhere."""
        try:
            settings = self._chooser.settings(workflow)
        except BadSettingError as error:
            return Settings(), f"; {error}"
        stops = settings.reschedules and workflow.decode(Workflow).spec.shutdown
        return settings._replace(reschedules=False) if stops else settings, ""

    async def _tell(self, workflow: Object, message: str) -> None:
        await self._waiting.report(workflow, CLUSTER_LOST, CLUSTER_LOST, message)

    def _at(self, moment: datetime | None) -> Result:
        if moment is None:
            return Result.done()
        left = min(moment - self._now(), _LONGEST)
        return Result.recheck(after=max(left.total_seconds(), 0.0) + 0.001)


# How soon a Workflow that finds no other cluster asks again, should no decision change.
_RETRY = timedelta(seconds=30)
_LONGEST = timedelta(days=1)
