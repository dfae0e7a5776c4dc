"""Brings one manifest to the managed cluster, by its update strategy.

An object that a work owns carries an owner reference to the work's AppliedManifestWork. A Workflow also carries a
finalizer of ours until its end is known on the hub: whoever deletes it (its TTL, a person), its last state is
not lost, even if the agent was down just then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from agent.decide.config import Options
from agent.decide.desired import at_creation, change, instead
from agent.decide.difference import Leaving
from agent.decide.fields import FIELD_MANAGER
from agent.decide.ignore import Ignoring
from agent.decide.manifest import Identity
from agent.decide.steer import steering, with_record
from controllers.api.kinds import APPLIED_MANIFEST_WORK, Kind
from controllers.kube.client import FIELD_MANAGER as ARGOSY
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Invalid, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch, finalizer_patch, merge_patch

REPORT_FINALIZER = "workflows.argoproj.io/report-ocm-status"

Json = dict[str, Any]


def owner_reference(kind: Kind, owner: Object) -> Json:
    """The reference to `owner`. Not a controller: others may own the object too."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
    }


def with_owner(body: Json, applied: Object | None) -> Json:
    """`body` owned by `applied`, or by nobody, whatever owners it names itself: those are objects of the hub."""
    owners = [] if applied is None else [owner_reference(APPLIED_MANIFEST_WORK, applied)]
    metadata = {**(body.get("metadata") or {}), "ownerReferences": owners}
    return {**body, "metadata": metadata}


def is_owned(live: Object, applied: Object) -> bool:
    """Whether `live` carries the reference to this very AppliedManifestWork."""
    return any(item.uid == applied.metadata.uid for item in live.metadata.owner_references)


class Applier:
    """Writes to one managed cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object as the server has it now."""
        return await self._client.find(kind, name, namespace=namespace)

    async def run_once(self, kind: Kind, manifest: Json, applied: Object) -> Object:
        """Creates a Workflow. Raises AlreadyExists when one of that name is there, whoever made it."""
        body = with_owner(with_record(manifest), applied)
        finalizers = [*(body["metadata"].get("finalizers") or []), REPORT_FINALIZER]
        body["metadata"] = {**body["metadata"], "finalizers": finalizers}
        body.pop("status", None)
        return await self._client.create(kind, body, namespace=body["metadata"].get("namespace", ""))

    async def steer(self, kind: Kind, manifest: Json, live: Object, *, brought: bool) -> Object:
        """Brings to a running Workflow what the hub has changed of it; `brought` as in `agent.decide.steer`."""
        change = steering(manifest, live.to_dict(), brought=brought)
        if change is None:
            return live
        meta = live.metadata
        patch = merge_patch(change, resource_version=meta.resource_version)
        return await self._client.patch(kind, meta.name, patch, namespace=meta.namespace)

    async def apply(
        self,
        kind: Kind,
        identity: Identity,
        manifest: Json,
        options: Options,
        applied: Object | None,
        known: Object | None,
        leaving: Leaving | None = None,
    ) -> Object:
        """Applies any other object, by any strategy but ReadOnly; returns its state.

        `applied` is None for an orphan; a reference that it bears is not taken off here (see `disown`).
        `known`: the object as a watch has shown it; None: the server is asked, since it may be somebody else's.
        `leaving`: what has left the manifest leaves the object too, with Update. Raises ApiError as the server answers;
        Conflict for fields that another manager owns, or if `known` is out of date.
        """
        strategy = options.strategy
        if known is not None and strategy.type != "ServerSideApply":
            with contextlib.suppress(NotFound):  # gone since: it is made again
                return await self._bring(kind, manifest, options, applied, known, leaving)
        live = await self._client.find(kind, identity.name, namespace=identity.namespace)
        if strategy.type == "ServerSideApply":
            config = strategy.server_side_apply
            ignoring = Ignoring(manifest, config.ignore_fields if config else ())
            patch = apply_patch(
                with_owner(ignoring.applied(live.to_dict() if live is not None else None), applied),
                field_manager=config.field_manager if config else FIELD_MANAGER,
                force=bool(config and config.force),
            )
            return await self._client.patch(kind, identity.name, patch, namespace=identity.namespace)
        if live is None:
            body = with_owner(at_creation(manifest), applied)
            return await self._client.create(
                kind, body, namespace=identity.namespace, field_manager=FIELD_MANAGER
            )
        return await self._bring(kind, manifest, options, applied, live, leaving)

    async def _bring(
        self,
        kind: Kind,
        manifest: Json,
        options: Options,
        applied: Object | None,
        live: Object,
        leaving: Leaving | None,
    ) -> Object:
        """To an object that is there, by Update or CreateOnly; nothing is asked of the server if all is well."""
        if options.strategy.type == "CreateOnly":
            return await self._own(kind, live, applied, manager=FIELD_MANAGER)
        return await self._update(kind, manifest, live, applied, leaving)

    async def _update(
        self, kind: Kind, manifest: Json, live: Object, applied: Object | None, leaving: Leaving | None
    ) -> Object:
        """A patch of what differs, as `agent.decide.desired` has it; the status above all stays."""
        present = live.to_dict()
        patch = change(manifest, present, leaving) or {}
        if applied is not None and not is_owned(live, applied):
            others = present["metadata"].get("ownerReferences") or []
            owners = [*others, owner_reference(APPLIED_MANIFEST_WORK, applied)]
            patch = {**patch, "metadata": {**patch.get("metadata", {}), "ownerReferences": owners}}
        if not patch:
            return live
        try:
            return await self._patch(kind, live, patch)
        except Invalid as error:
            other = instead(manifest, present, patch, _causes(error))
            if other is None:
                raise
            try:
                return await self._patch(kind, live, other)
            except Invalid:
                raise error from None  # about what the work has asked for

    async def _patch(self, kind: Kind, live: Object, body: Json, manager: str = FIELD_MANAGER) -> Object:
        meta = live.metadata
        patch = merge_patch(body, resource_version=meta.resource_version, field_manager=manager)
        return await self._client.patch(kind, meta.name, patch, namespace=meta.namespace)

    async def adopt(self, kind: Kind, live: Object, applied: Object | None) -> Object:
        """Makes a Workflow that is there already ours as `run_once` does: owned, and held until its end is known.
        `applied` is None for an orphan, which is held only.

        It may have been made by OCM's agent, or under another address of the hub.
        """
        finalizers = live.metadata.finalizers
        held = REPORT_FINALIZER in finalizers or live.metadata.deletion_timestamp is not None
        return await self._own(kind, live, applied, [] if held else [*finalizers, REPORT_FINALIZER])

    async def _own(
        self,
        kind: Kind,
        live: Object,
        applied: Object | None,
        finalizers: Sequence[str] = (),
        *,
        manager: str = ARGOSY,
    ) -> Object:
        """Adds the owner reference if it is missing, and sets `finalizers` if there are any."""
        metadata: Json = {"finalizers": list(finalizers)} if finalizers else {}
        if applied is not None and not is_owned(live, applied):
            present = live.to_dict()["metadata"].get("ownerReferences") or []
            metadata["ownerReferences"] = [*present, owner_reference(APPLIED_MANIFEST_WORK, applied)]
        if not metadata:
            return live
        return await self._patch(kind, live, {"metadata": metadata}, manager)

    async def disown(self, kind: Kind, live: Object, applied: Object) -> Object:
        """Takes our owner reference off an object that stays."""
        if not is_owned(live, applied):
            return live
        present = live.to_dict()["metadata"]["ownerReferences"]
        rest = [item for item in present if item["uid"] != applied.metadata.uid]
        return await self._patch(kind, live, {"metadata": {"ownerReferences": rest or None}})

    async def release(self, kind: Kind, live: Object) -> Object:
        """Takes our finalizer off a Workflow whose end is known on the hub."""
        meta = live.metadata
        if REPORT_FINALIZER not in meta.finalizers:
            return live
        rest = [item for item in meta.finalizers if item != REPORT_FINALIZER]
        patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
        try:
            return await self._client.patch(kind, meta.name, patch, namespace=meta.namespace)
        except NotFound:
            return live  # gone already, by whoever took the finalizer


def _causes(error: ApiError) -> list[str]:
    """The fields that a refusal is about."""
    causes: list[Json] = error.details.get("causes") or []
    return [str(cause.get("field") or "") for cause in causes]
