"""The part of a managed cluster's agent, played by a test: what it writes to the hub, and nothing that it decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_patch
from tests.eventually import eventually
from tests.integration.bodies import of

_STAMP = "2026-01-01T00:00:00Z"


class PlayedAgent:
    """The agent of `cluster`."""

    def __init__(self, client: Client, cluster: str) -> None:
        self._client = client
        self.cluster = cluster

    async def works(self) -> list[Object]:
        found, _ = await self._client.list(MANIFEST_WORK, namespace=self.cluster)
        return found

    async def work(self, within: float = 15) -> Object:
        """The cluster's one ManifestWork, once it is there."""

        async def one() -> Object | None:
            found = await self.works()
            assert len(found) <= 1, found
            return found[0] if found else None

        return await eventually(one, within=within, what=f"a ManifestWork in {self.cluster}")

    async def claim(self, work: Object) -> Object:
        """Puts OCM's finalizer on the work, as an agent does before it applies anything."""
        meta = work.metadata
        patch = finalizer_patch(
            meta.finalizers, [*meta.finalizers, keys.MANIFEST_WORK_FINALIZER], uid=meta.uid
        )
        return await self._client.patch(MANIFEST_WORK, meta.name, patch, namespace=self.cluster)

    async def let_go(self, work: Object) -> None:
        """Takes the finalizer away: the copy is gone."""
        meta = (await self._client.get(MANIFEST_WORK, work.metadata.name, namespace=self.cluster)).metadata
        rest = [item for item in meta.finalizers if item != keys.MANIFEST_WORK_FINALIZER]
        patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
        await self._client.patch(MANIFEST_WORK, meta.name, patch, namespace=self.cluster)

    async def report(self, work: Object, **feedback: str) -> Object:
        """Feedback values in the work's status, which is all that OCM's own agent says of a Workflow."""
        values = [
            {"name": name, "fieldValue": {"type": "String", "string": value}}
            for name, value in feedback.items()
        ]
        return await self._write_status(work, {"statusFeedback": {"values": values}}, applied="True")

    async def refuse(self, work: Object, message: str) -> Object:
        """The copy could not be applied."""
        return await self._write_status(work, {}, applied="False", message=message)

    async def _write_status(
        self, work: Object, manifest: Mapping[str, Any], *, applied: str, message: str = ""
    ) -> Object:
        condition = {
            "type": "Applied",
            "status": applied,
            "reason": "AppliedManifestComplete" if applied == "True" else "AppliedManifestFailed",
            "message": message,
            "lastTransitionTime": _STAMP,
        }
        one = {"resourceMeta": {"ordinal": 0}, "conditions": [condition], **manifest}
        patch = merge_patch({"status": {"resourceStatus": {"manifests": [one]}}})
        return await self._client.patch(
            MANIFEST_WORK, work.metadata.name, patch, namespace=self.cluster, subresource="status"
        )

    async def write_result(
        self, work: Object, status: Mapping[str, Any], *, annotated: bool = True
    ) -> Object:
        """The full status, as our agent writes it; without annotations as OCM's status add-on does."""
        name = work.metadata.name
        found = await self._client.find(WORKFLOW_STATUS_RESULT, name, namespace=self.cluster)
        if found is not None:
            patch = merge_patch({"workflowStatus": status})
            return await self._client.patch(WORKFLOW_STATUS_RESULT, name, patch, namespace=self.cluster)
        body = of(WORKFLOW_STATUS_RESULT, name, workflowStatus=dict(status))
        if annotated:
            said = work.metadata.annotations
            origin = [keys.HUB_NAMESPACE_ANNOTATION, keys.HUB_NAME_ANNOTATION, keys.HUB_UID_ANNOTATION]
            origin += [keys.ATTEMPT_ANNOTATION] if keys.ATTEMPT_ANNOTATION in said else []
            body["metadata"]["annotations"] = {key: said[key] for key in origin}
        return await self._client.create(WORKFLOW_STATUS_RESULT, body, namespace=self.cluster)
