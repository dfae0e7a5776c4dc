"""The trace that a work leaves on the managed cluster: its AppliedManifestWork, and the finalizer on the hub.

Both stand before the first object is applied, so that whatever was applied can be found and removed. What is about
to be applied is written on the AppliedManifestWork beforehand: an agent that dies before it has recorded an object
leaves word of it, even if the next spec does not name it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent.decide.naming import Hub
from agent.decide.order import listing_order
from agent.work.outcome import identity
from agent.work.together import together
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK
from controllers.api.work import AppliedManifestWork, AppliedResource
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, finalizer_patch, merge_patch
from controllers.runtime.own_writes import OwnWrites

# The objects that were about to be applied, as a JSON list of AppliedResources without uids.
INTENDED = "argosy.io/intended"


def intended(applied: Object) -> list[AppliedResource]:
    """What may have been applied without having been recorded; by name, so look who owns it."""
    try:
        return msgspec.json.decode(
            applied.metadata.annotations.get(INTENDED, "[]"), type=list[AppliedResource]
        )
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return []  # somebody has put something else there


class Claims:
    """`name` tells this hub's AppliedManifestWorks from those of others, `agent_ids` this agent's from those of other
    agents on the cluster; the first of them is what it writes."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        name: Hub,
        agent_ids: Sequence[str],
        *,
        works: OwnWrites,
        applied: OwnWrites,
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._name = name
        self._agent_ids = agent_ids
        self._works = works
        self._applied = applied

    def is_made(self, applied_name: str) -> bool:
        """Whether that is the name of a trace that a work of this hub leaves."""
        return self._name.work_of(applied_name) is not None

    def is_ours(self, applied: Object) -> bool:
        """Whether this agent looks after the trace. Another's may be of a work that this one cannot see."""
        return applied.decode(AppliedManifestWork).spec.agent_id in self._agent_ids

    async def find(self, work_name: str) -> Object | None:
        """The AppliedManifestWork of a work as the server has it: what it lists is about to be removed."""
        found = await self._managed.find(APPLIED_MANIFEST_WORK, self._name.applied_name(work_name))
        former = self._name.former_name(work_name)
        if found is not None or former is None:
            return found
        found = await self._managed.find(APPLIED_MANIFEST_WORK, former)
        return found if found is not None and self.is_ours(found) else None

    def is_known(self, work_name: str) -> bool:
        """Whether the work has left a trace that is this agent's, as far as the cache knows."""
        found = self._known(work_name)
        return found is not None and self.is_ours(found)

    def _known(self, work_name: str) -> Object | None:
        found = self._applied.get("", self._name.applied_name(work_name))
        former = self._name.former_name(work_name)
        if found is not None or former is None:
            return found
        found = self._applied.get("", former)
        return found if found is not None and self.is_ours(found) else None

    def removed(self, applied: Object) -> None:
        """`applied` is gone: a work that comes again under the same name gets a new one."""
        self._applied.removed(applied)

    async def make(self, work: Object, wanted: Sequence[AppliedResource]) -> tuple[Object, Object]:
        """(work with our finalizer, its AppliedManifestWork); the two writes run at the same time. `wanted`: what is
        to be applied, without uids."""
        held, applied = await together(self._ensure_finalizer(work), self._ensure_applied(work, wanted))
        return held, applied

    async def intend(self, applied: Object, wanted: Sequence[AppliedResource]) -> Object:
        """Notes what of `wanted` is new, before it is applied."""
        noted = intended(applied)
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        known = {identity(item) for item in (*noted, *recorded)}
        new = [item for item in wanted if identity(item) not in known]
        return await self._note(applied, [*noted, *new]) if new else applied

    async def forget(self, applied: Object, gone: Iterable[AppliedResource]) -> Object:
        """Of these nothing is left."""
        names = {identity(item) for item in gone}
        noted = intended(applied)
        rest = [item for item in noted if identity(item) not in names]
        return await self._note(applied, rest) if len(rest) < len(noted) else applied

    async def _note(self, applied: Object, resources: Sequence[AppliedResource]) -> Object:
        return await self._patch(applied, {"metadata": {"annotations": {INTENDED: _text(resources)}}})

    async def record(self, applied: Object, resources: Iterable[AppliedResource]) -> Object:
        """Writes status.appliedResources if it differs."""
        before = applied.decode(AppliedManifestWork).status.applied_resources
        listed = listing_order(resources)
        if before == listed:
            return applied
        status = {"appliedResources": msgspec.to_builtins(listed)}
        return await self._patch(applied, {"status": status}, subresource="status")

    async def set_eviction(self, applied: Object, since: str | None) -> Object:
        """Writes status.evictionStartTime; None takes it away."""
        return await self._patch(applied, {"status": {"evictionStartTime": since}}, subresource="status")

    async def _patch(self, applied: Object, body: JsonObject, *, subresource: str = "") -> Object:
        """Raises Conflict if somebody has written it since: lists are replaced as a whole."""
        meta = applied.metadata
        patch = merge_patch(body, resource_version=meta.resource_version)
        return self._applied.record(
            await self._managed.patch(APPLIED_MANIFEST_WORK, meta.name, patch, subresource=subresource)
        )

    async def _ensure_finalizer(self, work: Object) -> Object:
        meta = work.metadata
        if MANIFEST_WORK_FINALIZER in meta.finalizers:
            return work
        desired = [*meta.finalizers, MANIFEST_WORK_FINALIZER]
        patch = finalizer_patch(meta.finalizers, desired, uid=meta.uid, tracked=meta)
        return self._works.record(
            await self._hub.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)
        )

    async def _ensure_applied(self, work: Object, wanted: Sequence[AppliedResource]) -> Object:
        existing = self._known(work.metadata.name)
        if existing is not None:
            return await self._renew(existing, work)
        name = self._name.applied_name(work.metadata.name)
        body = {
            "apiVersion": APPLIED_MANIFEST_WORK.api_version,
            "kind": APPLIED_MANIFEST_WORK.kind,
            "metadata": {
                "name": name,
                "labels": work.metadata.labels,
                "finalizers": [APPLIED_MANIFEST_WORK_FINALIZER],
                "annotations": {INTENDED: _text(wanted)},
            },
            "spec": {
                "hubHash": self._name.hash,
                "agentID": self._agent_ids[0],
                "manifestWorkName": work.metadata.name,
            },
        }
        try:
            return self._applied.record(await self._managed.create(APPLIED_MANIFEST_WORK, body))
        except AlreadyExists:
            found = self._applied.record(await self._managed.get(APPLIED_MANIFEST_WORK, name))
            return await self._renew(found, work)

    async def _renew(self, applied: Object, work: Object) -> Object:
        """Gives the trace this agent's ID, by which another agent leaves it alone, and the labels of its work. Labels
        that the work has no longer stay, as with OCM: nothing tells them from those that others have set."""
        meta = applied.metadata
        if meta.deletion_timestamp is not None:
            return applied
        body: JsonObject = {}
        labels = {key: value for key, value in work.metadata.labels.items() if meta.labels.get(key) != value}
        if labels:
            body["metadata"] = {"labels": labels}
        if applied.decode(AppliedManifestWork).spec.agent_id != self._agent_ids[0]:
            body["spec"] = {"agentID": self._agent_ids[0]}
        return await self._patch(applied, body) if body else applied


def _text(resources: Sequence[AppliedResource]) -> str:
    return msgspec.json.encode(list(resources)).decode()
