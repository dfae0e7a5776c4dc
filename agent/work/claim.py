"""The trace that a work leaves on the managed cluster: its AppliedManifestWork, and the finalizer on the hub.

Both stand before the first object is applied, so that whatever was applied can be found and removed. What is about
to be applied is written on the AppliedManifestWork beforehand: an agent that dies before it has recorded an object
leaves word of it, even if the next spec does not name it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent.decide.naming import applied_work_name
from agent.decide.naming import work_name as work_of
from agent.work.outcome import identity
from agent.work.together import together
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK
from controllers.api.work import AppliedManifestWork, AppliedResource
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_patch
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
    """`hub_hash` tells this hub's AppliedManifestWorks from those of others, `agent_id` this agent's from those of an
    agent that serves another hub."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        hub_hash: str,
        agent_id: str,
        *,
        works: OwnWrites,
        applied: OwnWrites,
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._hash = hub_hash
        self._agent_id = agent_id
        self._works = works
        self._applied = applied

    def is_made(self, applied_name: str) -> bool:
        """Whether that is the name of a trace that a work of this hub leaves."""
        return work_of(self._hash, applied_name) is not None

    async def find(self, work_name: str) -> Object | None:
        """The AppliedManifestWork of a work as the server has it: what it lists is about to be removed."""
        return await self._managed.find(APPLIED_MANIFEST_WORK, applied_work_name(self._hash, work_name))

    def is_known(self, work_name: str) -> bool:
        """Whether the work has left a trace, as far as the cache knows."""
        return self._applied.get("", applied_work_name(self._hash, work_name)) is not None

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
        patch = merge_patch({"metadata": {"annotations": {INTENDED: _text(resources)}}})
        return self._applied.record(
            await self._managed.patch(APPLIED_MANIFEST_WORK, applied.metadata.name, patch)
        )

    async def record(self, applied: Object, resources: Sequence[AppliedResource]) -> Object:
        """Writes status.appliedResources if it differs."""
        before = applied.decode(AppliedManifestWork).status.applied_resources
        if before == list(resources):
            return applied
        patch = merge_patch({"status": {"appliedResources": msgspec.to_builtins(list(resources))}})
        return self._applied.record(
            await self._managed.patch(
                APPLIED_MANIFEST_WORK, applied.metadata.name, patch, subresource="status"
            )
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
        name = applied_work_name(self._hash, work.metadata.name)
        existing = self._applied.get("", name)
        if existing is not None:
            return existing
        body = {
            "apiVersion": APPLIED_MANIFEST_WORK.api_version,
            "kind": APPLIED_MANIFEST_WORK.kind,
            "metadata": {
                "name": name,
                "finalizers": [APPLIED_MANIFEST_WORK_FINALIZER],
                "annotations": {INTENDED: _text(wanted)},
            },
            "spec": {
                "hubHash": self._hash,
                "agentID": self._agent_id,
                "manifestWorkName": work.metadata.name,
            },
        }
        try:
            return self._applied.record(await self._managed.create(APPLIED_MANIFEST_WORK, body))
        except AlreadyExists:
            return self._applied.record(await self._managed.get(APPLIED_MANIFEST_WORK, name))


def _text(resources: Sequence[AppliedResource]) -> str:
    return msgspec.json.encode(list(resources)).decode()
