"""Notes on the AppliedManifestWork which of its objects have come to their end (`agent.decide.finished`).

A note is made as soon as the end is seen, before the time to live removes the object, so that it outlives the agent.
"""

from __future__ import annotations

import msgspec

from agent.decide.finished import FINISHED, ended, key_of
from agent.work.delivery import Delivery
from agent.work.outcome import identity
from controllers.api.kinds import APPLIED_MANIFEST_WORK
from controllers.api.work import ManifestResourceMeta
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.own_writes import OwnWrites


class Finished:
    """`applied` are the AppliedManifestWorks of the managed cluster."""

    def __init__(self, managed: Client, applied: OwnWrites) -> None:
        self._managed = managed
        self._applied = applied

    def is_noted(self, delivery: Delivery, meta: ManifestResourceMeta, digest: str) -> bool:
        """Whether the object has come to its end, made from the manifest of this digest."""
        return ended(self._trace(delivery)).get(key_of(identity(meta))) == digest

    async def note(self, delivery: Delivery, meta: ManifestResourceMeta, digest: str) -> None:
        """That it has. Raises ApiError; Conflict if the AppliedManifestWork is another one by now."""
        trace = self._trace(delivery)
        named = {key_of(identity(target.meta)) for target in delivery.targets}
        noted = {key: value for key, value in ended(trace).items() if key in named}
        text = msgspec.json.encode({**noted, key_of(identity(meta)): digest}, order="deterministic").decode()
        patch = merge_patch({"metadata": {"uid": trace.metadata.uid, "annotations": {FINISHED: text}}})
        self._applied.record(await self._managed.patch(APPLIED_MANIFEST_WORK, trace.metadata.name, patch))

    def _trace(self, delivery: Delivery) -> Object:
        """As this process knows it now: another object of the same work may have been noted since."""
        known = self._applied.get("", delivery.applied.metadata.name)
        return known if known is not None else delivery.applied
