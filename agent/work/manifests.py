"""One manifest of a work: whether it may be applied, and if so, that it is.

Objects are brought to their manifest again and again; Workflows, which run once, are `agent.work.workflows`' business.
"""

from __future__ import annotations

import structlog

from agent.decide import allow, runonce
from agent.decide.allow import Allowed
from agent.decide.config import disposal, options_for
from agent.decide.kubectl_path import PathError
from agent.decide.status import Observation, is_complete, known_meta
from agent.work.apply import Applier, is_owned
from agent.work.delivery import Delivery
from agent.work.discovery import Discovery
from agent.work.executors import Executors
from agent.work.keeping import Keeping
from agent.work.lacking import Lacking, MissingKind, MissingNamespace
from agent.work.managed import CannotWatchError, ManagedObjects
from agent.work.orphans import Orphans
from agent.work.outcome import Outcome, content, failed, is_final, untouched
from agent.work.refusal import is_refusal, lack_of, words
from agent.work.targets import Served, Target, Unserved
from agent.work.workflows import Workflows
from controllers.api.echo import echoed
from controllers.kube.errors import ApiError
from controllers.kube.object import Unreadable

log = structlog.get_logger(__name__)


class Manifests:
    """`allowed` bounds what manifests may be about."""

    def __init__(
        self,
        *,
        applier: Applier,
        discovery: Discovery,
        managed: ManagedObjects,
        workflows: Workflows,
        orphans: Orphans,
        executors: Executors,
        keeping: Keeping,
        lacking: Lacking,
        allowed: Allowed,
    ) -> None:
        self._applier = applier
        self._discovery = discovery
        self._managed = managed
        self._workflows = workflows
        self._orphans = orphans
        self._executors = executors
        self._keeping = keeping
        self._lacking = lacking
        self._allowed = allowed

    async def deliver(self, delivery: Delivery, target: Target) -> Outcome:
        """What has come of it, also of one that can't be applied. Raises ApiError if all of the work is to be tried
        again."""
        if isinstance(target, Unserved):
            if target.lacks is not None and is_complete(delivery.work):
                return untouched(known_meta(delivery.work, target.meta), target.why, complete=True)
            return failed(target.meta, target.why, lacks=target.lacks)
        kind, meta = target.kind, target.meta
        if kind.namespaced and not meta.namespace:
            return failed(meta, f"namespace must be set in the manifest of a {kind.kind}", kind)
        if why := allow.refusal(self._allowed, kind, meta.namespace, meta.name):
            return await self._keep_off(delivery, target, why)
        outcome = await self._apply(delivery, target)
        if outcome.observation.failure is None or outcome.lost is not None:
            return outcome
        if outcome.live is None:
            return await self._looked_for(delivery, target, outcome)
        is_ours = is_owned(outcome.live, delivery.applied) or delivery.has_applied(meta, outcome.live)
        return outcome if is_ours else outcome.seen(exists=True)

    async def _apply(self, delivery: Delivery, target: Served) -> Outcome:
        kind, meta = target.kind, target.meta
        if target.entry.problem:
            return untouched(meta, target.entry.problem, kind, complete=delivery.is_done(meta))
        self._lacking.expect(delivery.name, MissingNamespace(meta.namespace))
        try:
            if runonce.runs_once(meta):
                return await self._workflows.deliver(delivery, target)
            return await self._object(delivery, target)
        except CannotWatchError as error:
            return failed(meta, str(error), kind, lacks=MissingKind.of(kind))
        except (PathError, Unreadable) as error:
            return failed(meta, str(error), kind)
        except ApiError as error:
            if not is_refusal(error):
                raise
            return await self._refused(target, error)
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            # The content of this one manifest, or of what is there, is of a shape that nobody has thought of: no reason
            # to leave the others of the work unapplied and unreported.
            log.warning(
                "manifest_not_handled", work=delivery.name, manifest=str(target.identity), exc_info=error
            )
            why = echoed(f"{type(error).__name__}: {error}")
            return failed(
                meta, f"what it says, or the object that is there, has an unexpected form: {why}", kind
            )

    async def abandon(self, delivery: Delivery, target: Target) -> Outcome:
        """What is to be said of a manifest whose object goes with the AppliedManifestWork. Raises ApiError."""
        meta = target.meta
        if not isinstance(target, Served):
            return failed(meta, target.why)
        going = Outcome(Observation(meta, attempted=False), target.kind)
        if not runonce.runs_once(meta) or delivery.is_done(meta):
            return going
        if not delivery.has_recorded(meta):
            return going  # never made
        live = await self._applier.read(target.kind, meta.namespace, meta.name)
        if live is not None and not is_owned(live, delivery.applied):
            return going  # an orphan, which stays
        if live is not None and is_final(live):
            return Outcome(Observation(meta, content(live)), target.kind, live)
        text = f"Workflow {meta.namespace}/{meta.name} was removed: its AppliedManifestWork was deleted on the cluster"
        return self._workflows.lost(delivery, target, live, runonce.ReportLost(runonce.GONE, text))

    async def _looked_for(self, delivery: Delivery, target: Served, outcome: Outcome) -> Outcome:
        """What could not be applied may be there all the same, as somebody else's: only that is told of it."""
        kind, meta = target.kind, target.meta
        try:
            found = await self._applier.read(kind, meta.namespace, meta.name)
        except ApiError as error:
            if not is_refusal(error):
                raise
            return outcome.seen(unreadable=words(error))
        # Another Workflow of that name is not the one that was to run.
        exists = found is not None and (not runonce.runs_once(meta) or delivery.has_applied(meta, found))
        return outcome.seen(exists=exists)

    async def _refused(self, target: Served, error: ApiError) -> Outcome:
        """The server has judged this one object."""
        kind, meta = target.kind, target.meta
        missing = MissingKind.of(kind)
        lacks = lack_of(error, missing, meta.namespace)
        if lacks == missing:
            await self._discovery.load(*missing[:2])
            if not self._discovery.serves(*missing):
                return failed(meta, words(error), kind, lacks=lacks)
        view = await self._managed.of(kind)
        return failed(meta, words(error), kind, view.get(meta.namespace, meta.name), lacks)

    async def _keep_off(self, delivery: Delivery, target: Served, why: str) -> Outcome:
        """For what the hub may not touch.

        A Workflow that an earlier, wider list has let in is not reported any more, so nothing holds it: whoever deletes
        it shall not wait for ever.
        """
        meta = target.meta
        if runonce.runs_once(meta) and delivery.has_recorded(meta):
            live = await self._applier.read(target.kind, meta.namespace, meta.name)
            if live is not None:
                await self._applier.release(target.kind, live)
        return untouched(meta, why, target.kind, complete=delivery.is_done(meta))

    async def _object(self, delivery: Delivery, target: Served) -> Outcome:
        work, kind, meta = delivery.work, target.kind, target.meta
        options = options_for(meta, work.spec.manifest_configs)
        complete = delivery.is_done(meta)
        if options.strategy.type == "ReadOnly":
            live = await self._managed.seen_by(delivery.name, kind, meta.namespace, meta.name)
            if live is not None and is_owned(live, delivery.applied):
                live = await self._applier.disown(kind, live, delivery.applied)
            return Outcome(Observation(meta, content(live), attempted=not complete), kind, live, owned=False)
        orphan = disposal(meta, work.spec.delete_option, options.strategy).orphan
        view = await self._managed.of(kind)
        live = view.get(meta.namespace, meta.name)
        if live is None and orphan:
            live = await self._orphans.find(delivery, target)
        if complete:
            if live is not None and orphan:
                live = await self._orphans.let_stand(delivery, target, live)
            return Outcome(Observation(meta, content(live), attempted=False), kind, live)
        if (done := await self._keeping.done(delivery, target, options, live)) is not None:
            return done
        look = self._keeping.look(delivery, target, options, live)
        if look.is_due:
            if why := await self._executors.refusal(
                work.spec.executor, kind, meta.namespace, meta.name, look.manifest, owned=not orphan
            ):
                return failed(meta, why, kind, live)
            live = view.record(await self._keeping.bring(look))
        if orphan and live is not None:
            live = await self._orphans.let_stand(delivery, target, live)
        return self._keeping.outcome(look, live)
