"""The status of a ManifestWork, from what was applied and what is there.

Owns the conditions of the single manifests and the patch that brings the hub's copy up to date. Reads nothing:
the reconciler brings an Observation of each manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from agent.decide.aggregate import APPLIED, AVAILABLE, work_conditions
from agent.decide.conditions import COMPLETE, Judgement, from_rules, is_from_rule
from agent.decide.config import Options, options_for
from agent.decide.feedback import Feedback, read_feedback
from controllers.api.conditions import condition, find, is_true, merged
from controllers.api.meta import Condition
from controllers.api.work import (
    ManifestCondition,
    ManifestResourceMeta,
    ManifestResourceStatus,
    ManifestWork,
    ManifestWorkStatus,
    StatusFeedback,
)
from controllers.kube.patch import merge_diff

FEEDBACK_SYNCED = "StatusFeedbackSynced"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a manifest is not applied, for its Applied condition."""

    message: str
    reason: str = "AppliedManifestFailed"


@dataclass(frozen=True, slots=True)
class Observation:
    """One manifest of a work, as the reconciler found it.

    `live` is the object on the cluster, None if there is none; `unreadable` says why that is not known. With
    `gone`, `live` is what is known of an object that is not there any more. With `exists` there is one, and
    nothing else is reported of it, since it may be somebody else's.
    `attempted` is False if nothing was applied in this pass: the Applied condition then stays as it was. A manifest
    that needs no applying (complete, or created once for all) counts as applied: attempted, no failure. `note`: what
    more there is to say of a manifest that is applied.
    """

    meta: ManifestResourceMeta
    live: dict[str, Any] | None = None
    failure: Failure | None = None
    attempted: bool = True
    unreadable: str = ""
    gone: bool = False
    exists: bool = False
    note: str = ""
    judged: tuple[Judgement, ...] = ()


def desired_status(
    work: ManifestWork, observations: Sequence[Observation], now: datetime
) -> ManifestWorkStatus:
    """The status the work should have. Equal to `work.status` if nothing changed.

    Manifests come in the order of spec, whatever the order of `observations`. While an object is gone or can't
    be read, the values and rules' conditions that were last seen of it stay: a Workflow that its TTL removed
    remains Complete.
    """
    generation = work.metadata.generation
    before = _Before(work.status.resource_status.manifests)
    manifests = [
        _manifest(
            observation,
            options_for(observation.meta, work.spec.manifest_configs),
            before.of(observation.meta),
            generation,
            now,
        )
        for observation in sorted(observations, key=lambda one: one.meta.ordinal)
    ]
    conditions = merged(
        work.status.conditions,
        work_conditions(manifests, generation=generation, now=now),
        keep=lambda old: not is_from_rule(old),
    )
    return ManifestWorkStatus(
        conditions=conditions, resource_status=ManifestResourceStatus(manifests=manifests)
    )


def status_patch(old: ManifestWorkStatus, new: ManifestWorkStatus) -> dict[str, Any] | None:
    """The merge patch of the object for the status subresource; None if there is nothing to write.

    Lists are replaced whole: send it with the resourceVersion that `old` was read at.
    """
    difference = merge_diff(msgspec.to_builtins(old), msgspec.to_builtins(new))
    return None if difference is None else {"status": difference}


def is_complete(work: ManifestWork) -> bool:
    """Whether nothing of the work is applied any more."""
    return is_true(work.status.conditions, COMPLETE)


def completed_manifest(work: ManifestWork, meta: ManifestResourceMeta) -> bool:
    """Whether this manifest is not applied any more, even if others of the work are."""
    before = _Before(work.status.resource_status.manifests).of(meta)
    return before is not None and is_true(before.conditions, COMPLETE)


def known_meta(work: ManifestWork, meta: ManifestResourceMeta) -> ManifestResourceMeta:
    """How the last status named a manifest of which `meta` lacks the resource, since the cluster does not serve its
    kind now; `meta` if that is not known."""
    for manifest in work.status.resource_status.manifests:
        named = manifest.resource_meta
        if msgspec.structs.replace(named, resource="", namespace=meta.namespace) == meta:
            return named
    return meta


def applied_generation(work: ManifestWork, meta: ManifestResourceMeta) -> int | None:
    """The generation of the work that this manifest was last applied at with success; None if it never was."""
    before = _Before(work.status.resource_status.manifests).of(meta)
    applied = find(before.conditions, APPLIED) if before else None
    return applied.observed_generation if applied and applied.status == "True" else None


class _Before:
    """The manifests of the last status, found by what they are about even if spec was reordered."""

    def __init__(self, manifests: Sequence[ManifestCondition]) -> None:
        self._exact = {manifest.resource_meta: manifest for manifest in manifests}
        self._anywhere: dict[ManifestResourceMeta, ManifestCondition | None] = {}
        for manifest in manifests:
            key = _without_ordinal(manifest.resource_meta)
            self._anywhere[key] = None if key in self._anywhere else manifest

    def of(self, meta: ManifestResourceMeta) -> ManifestCondition | None:
        if not meta.kind:
            # A manifest that couldn't be read has its place in the list only.
            return self._exact.get(meta)
        return self._exact.get(meta) or self._anywhere.get(_without_ordinal(meta))


def _without_ordinal(meta: ManifestResourceMeta) -> ManifestResourceMeta:
    return msgspec.structs.replace(meta, ordinal=0)


def _manifest(
    observation: Observation,
    options: Options,
    before: ManifestCondition | None,
    generation: int,
    now: datetime,
) -> ManifestCondition:
    old = before.conditions if before else []
    feedback = before.status_feedback if before else StatusFeedback()
    new = [*_applied(observation, old, generation, now), _available(observation, now)]
    if observation.live is None:
        conditions = merged(old, new, keep=lambda _: True)
        return ManifestCondition(
            resource_meta=observation.meta, status_feedback=feedback, conditions=conditions
        )
    read = read_feedback(observation.live, options.feedback_rules)
    values = list(read.values)
    if values != feedback.values:
        # As in OCM, this condition's time tells when the values last changed.
        old = [one for one in old if one.type != FEEDBACK_SYNCED]
    new.append(_feedback_synced(options, read, now))
    new += from_rules(observation.judged, generation=generation, now=now)
    return ManifestCondition(
        resource_meta=observation.meta,
        status_feedback=StatusFeedback(values=values),
        conditions=merged(old, new, keep=lambda one: not is_from_rule(one)),
    )


def _applied(
    observation: Observation, old: Sequence[Condition], generation: int, now: datetime
) -> list[Condition]:
    if not observation.attempted:
        before = find(old, APPLIED)
        return [before] if before else []
    if observation.failure:
        text = f"Failed to apply manifest: {observation.failure.message}"
        return [condition(APPLIED, False, observation.failure.reason, text, now, generation)]
    text = observation.note or "Apply manifest complete"
    return [condition(APPLIED, True, "AppliedManifestComplete", text, now, generation)]


def _available(observation: Observation, now: datetime) -> Condition:
    meta = observation.meta
    if not (meta.resource and meta.version and meta.name):
        return condition(AVAILABLE, None, "IncompleteResourceMeta", "Resource meta is incomplete", now)
    if observation.exists or (observation.live is not None and not observation.gone):
        return condition(AVAILABLE, True, "ResourceAvailable", "Resource is available", now)
    if observation.unreadable:
        text = f"Failed to fetch resource: {observation.unreadable}"
        return condition(AVAILABLE, None, "FetchingResourceFailed", text, now)
    return condition(AVAILABLE, False, "ResourceNotAvailable", "Resource is not available", now)


def _feedback_synced(options: Options, read: Feedback, now: datetime) -> Condition:
    if not options.feedback_rules:
        return condition(FEEDBACK_SYNCED, True, "NoStatusFeedbackSynced", "", now)
    if not read.problems:
        return condition(FEEDBACK_SYNCED, True, "StatusFeedbackSynced", "", now)
    problems = read.problems[0] if len(read.problems) == 1 else f"[{', '.join(read.problems)}]"
    text = f"Sync status feedback failed with error {problems}"
    return condition(FEEDBACK_SYNCED, False, "StatusFeedbackSyncFailed", text, now)
