"""Patches as bytes with their content type, and the differences they carry.

Three kinds are used. A merge patch (RFC 7386) moves the fields that differ. A JSON patch (RFC 6902) edits a
list under a `test` guard, so that a racing writer is never overwritten. Server-side apply owns a set of
fields by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jsonpatch
import msgspec

from controllers.api.meta import ObjectMeta

JsonObject = dict[str, Any]

JSON_PATCH = "application/json-patch+json"

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Patch(NamedTuple):
    """What PATCH sends. `query` holds the request parameters that belong to the patch type."""

    content_type: str
    body: bytes
    query: tuple[tuple[str, str], ...] = ()


def merge_patch(
    body: Mapping[str, Any], *, resource_version: str | None = None, field_manager: str | None = None
) -> Patch:
    """A merge patch. With `resource_version` the server answers Conflict if the object has changed since.

    `field_manager`: who the server notes as the owner of the fields; None: the client's.
    """
    if resource_version is not None:
        metadata = {**body.get("metadata", {}), "resourceVersion": resource_version}
        body = {**body, "metadata": metadata}
    query = (("fieldManager", field_manager),) if field_manager is not None else ()
    return Patch("application/merge-patch+json", msgspec.json.encode(body), query)


def json_patch(operations: Sequence[Any]) -> Patch:
    """A JSON patch. Raises jsonpatch.InvalidJsonPatch for an operation that RFC 6902 does not know."""
    checked = jsonpatch.JsonPatch(list(operations))
    return Patch(JSON_PATCH, msgspec.json.encode(checked.patch))


def apply_patch(body: Mapping[str, Any] | bytes, *, field_manager: str, force: bool = False) -> Patch:
    """Server-side apply of `body` (with apiVersion and kind) as `field_manager`. JSON is valid YAML."""
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    query = (("fieldManager", field_manager), ("force", "true" if force else "false"))
    return Patch("application/apply-patch+yaml", encoded, query)


def finalizer_patch(
    current: Sequence[str], desired: Sequence[str], *, uid: str, tracked: ObjectMeta | None = None
) -> Patch:
    """A JSON patch that turns `current` finalizers into `desired`, only if nobody changed them meanwhile.

    The `test` on the uid keeps it from touching an object that was made anew under the same name. A failed
    test makes the client raise Conflict. `tracked`: ends the tracking of fields too, as `untracked` does.
    """
    operations: list[JsonObject] = [{"op": "test", "path": "/metadata/uid", "value": uid}]
    if current:
        operations.append({"op": "test", "path": "/metadata/finalizers", "value": list(current)})
        operations.append({"op": "replace", "path": "/metadata/finalizers", "value": list(desired)})
    else:
        # `add` would replace a list that appeared meanwhile; testing for an absent list is not possible in
        # RFC 6902, but `test` against null holds only while there is none.
        operations.append({"op": "test", "path": "/metadata/finalizers", "value": None})
        operations.append({"op": "add", "path": "/metadata/finalizers", "value": list(desired)})
    cleared = untracked(tracked) if tracked is not None else {}
    operations += [
        {"op": "add", "path": f"/metadata/{name}", "value": value} for name, value in cleared.items()
    ]
    return json_patch(operations)


def untracked(metadata: ObjectMeta) -> JsonObject:
    """What a patch of the object's metadata has to hold so that the server stops tracking who owns its fields.

    Tracking costs an API server more than all the rest of a small patch, on every later patch by anyone, and of
    use it is only to server-side apply. So it is ended on the objects that only controllers write, and nothing is
    done ({}) where somebody has applied, by either kind of `kubectl apply`, or where it has ended: a client that
    migrates from one kind to the other would take what is not tracked for its user's, and prune it. A list of one
    empty entry is how the API asks for it (Kubernetes documentation, Server-Side Apply, "Clearing managedFields");
    through a status subresource it has no effect.
    """
    entries = metadata.managed_fields
    if (
        not entries
        or _LAST_APPLIED in metadata.annotations
        or any(entry.operation == "Apply" for entry in entries)
    ):
        return {}
    return {"managedFields": [{}]}


def merge_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> JsonObject | None:
    """The merge patch (RFC 7386) that makes `old` into `new`; None when they are equal.

    Lists are replaced whole, as the RFC has it. A None inside `new` means "absent": the wire has no nulls
    that matter to us.
    """
    patch: JsonObject = {}
    for key, value in new.items():
        before = old.get(key)
        if before == value:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            inner = merge_diff(before, value)
            if inner is not None:
                patch[key] = inner
        else:
            patch[key] = value
    for key, before in old.items():
        if key not in new and before is not None:
            patch[key] = None
    return patch or None
