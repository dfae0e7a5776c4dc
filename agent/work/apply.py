"""Brings one manifest to the managed cluster, by its update strategy.

An object that a work owns carries an owner reference to the work's AppliedManifestWork. A Workflow also carries a
finalizer of ours until its end is known on the hub: whoever deletes it (its TTL, a person), its last state is
not lost, even if the agent was down just then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from agent.decide.config import Options
from agent.decide.ignore import Ignoring
from agent.decide.manifest import Identity
from agent.decide.steer import steering, with_record
from controllers.api.kinds import APPLIED_MANIFEST_WORK, Kind
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch, finalizer_patch, merge_patch

# The manager that OCM's agent applies as; the same name lets either agent go on where the other stopped.
FIELD_MANAGER = "work-agent"

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
    """`body` owned by `applied` as well; a reference that is there already is not repeated. None: by nobody more."""
    metadata = dict(body.get("metadata") or {})
    if applied is None:
        return {**body, "metadata": {**metadata, "ownerReferences": metadata.get("ownerReferences") or []}}
    reference = owner_reference(APPLIED_MANIFEST_WORK, applied)
    others = [item for item in metadata.get("ownerReferences") or [] if item.get("uid") != reference["uid"]]
    metadata["ownerReferences"] = [*others, reference]
    return {**body, "metadata": metadata}


def is_owned(live: Object, applied: Object) -> bool:
    """Whether `live` carries the reference to this very AppliedManifestWork."""
    return any(item.uid == applied.metadata.uid for item in live.metadata.owner_references)


def drifted(wanted: Any, live: Any) -> bool:
    """Whether `live` lacks something of `wanted`. Fields that only `live` has (defaults, status) are no drift."""
    if isinstance(wanted, Mapping):
        return not isinstance(live, Mapping) or any(
            drifted(value, live.get(key)) for key, value in wanted.items() if value is not None
        )
    if isinstance(wanted, list):
        return (
            not isinstance(live, list)
            or len(wanted) != len(live)
            or any(drifted(one, other) for one, other in zip(wanted, live, strict=True))
        )
    return bool(wanted != live)


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
    ) -> Object:
        """Applies any other object, by any strategy but ReadOnly; returns its state.

        `applied` is None for an orphan; a reference that it bears is not taken off here (see `disown`).

        `known`: the object as a watch has shown it; None: the server is asked, since it may be somebody else's. Raises
        ApiError as the server answers; Conflict for fields that another manager owns, or if `known` is out of date.
        """
        strategy = options.strategy
        if known is not None and strategy.type != "ServerSideApply":
            with contextlib.suppress(NotFound):  # gone since: it is made anew
                return await self._bring(kind, manifest, options, applied, known)
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
            body = with_owner(manifest, applied)
            return await self._client.create(kind, body, namespace=identity.namespace)
        return await self._bring(kind, manifest, options, applied, live)

    async def _bring(
        self, kind: Kind, manifest: Json, options: Options, applied: Object | None, live: Object
    ) -> Object:
        """To an object that is there, by Update or CreateOnly; nothing is asked of the server if all is well."""
        if options.strategy.type == "CreateOnly":
            return await self._own(kind, live, applied)
        return await self._update(kind, manifest, live, applied)

    async def _update(self, kind: Kind, manifest: Json, live: Object, applied: Object | None) -> Object:
        """A patch of what differs: fields that the manifest does not name, the status above all, stay."""
        present = live.to_dict()
        wanted = with_owner(manifest, applied)
        wanted.pop("status", None)
        others = present.get("metadata", {}).get("ownerReferences") or []
        mine = wanted["metadata"]["ownerReferences"]
        uids = {item["uid"] for item in mine}
        wanted["metadata"]["ownerReferences"] = [item for item in others if item["uid"] not in uids] + mine
        changed = {key: value for key, value in wanted.items() if drifted(value, present.get(key))}
        if not changed:
            return live
        patch = merge_patch(changed, resource_version=live.metadata.resource_version)
        meta = live.metadata
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
        self, kind: Kind, live: Object, applied: Object | None, finalizers: Sequence[str] = ()
    ) -> Object:
        """Adds the owner reference if it is missing, and sets `finalizers` if there are any."""
        meta = live.metadata
        metadata: Json = {"finalizers": list(finalizers)} if finalizers else {}
        if applied is not None and not is_owned(live, applied):
            present = live.to_dict()["metadata"].get("ownerReferences") or []
            metadata["ownerReferences"] = [*present, owner_reference(APPLIED_MANIFEST_WORK, applied)]
        if not metadata:
            return live
        patch = merge_patch({"metadata": metadata}, resource_version=meta.resource_version)
        return await self._client.patch(kind, meta.name, patch, namespace=meta.namespace)

    async def disown(self, kind: Kind, live: Object, applied: Object) -> Object:
        """Takes our owner reference off an object that stays."""
        if not is_owned(live, applied):
            return live
        meta = live.metadata
        present = live.to_dict()["metadata"]["ownerReferences"]
        rest = [item for item in present if item["uid"] != applied.metadata.uid]
        patch = merge_patch(
            {"metadata": {"ownerReferences": rest or None}}, resource_version=meta.resource_version
        )
        return await self._client.patch(kind, meta.name, patch, namespace=meta.namespace)

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
